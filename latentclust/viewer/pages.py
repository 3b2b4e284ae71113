"""Pages from jinja2 templates."""

from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from latentclust.viewer.security import NO_STORE
from latentclust.viewer.session import session_of
from latentclust.web.assets import environment

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> "Environment":
    """Return the templates of the viewer, which extend `viewer.html`."""
    return environment("latentclust.viewer")


def page(request: Request, template: str, **values: Any) -> HTMLResponse:
    """Render a template that extends `viewer.html`. It gets `session`, and `root`, the path before every address."""
    session = session_of(request)
    text = templates().get_template(template).render(session=session, root=request.scope["root_path"], **values)
    return HTMLResponse(text, headers=NO_STORE)

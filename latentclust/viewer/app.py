"""The application of the viewer: its routes behind the guard."""

from collections.abc import Callable, Iterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from latentclust.errors import LatentclustError
from latentclust.viewer import apply_routes, index_convertor, naming_routes, static_files
from latentclust.viewer.map_state import make_map_state
from latentclust.viewer.responses import error_response
from latentclust.viewer.security import Guard
from latentclust.viewer.session import Session


def _features(session: Session) -> Iterator[Callable[[Session], list[BaseRoute]]]:
    """Yield the functions that return the routes of a session, of maps or images, whose imports take seconds."""
    if session.scenes:
        from latentclust.viewer import map_page

        yield map_page.routes
    else:
        from latentclust.viewer.gallery import gallery_routes

        yield gallery_routes.routes
    yield naming_routes.routes
    yield apply_routes.routes


def make_app(session: Session, host: str = "") -> Guard:
    """Return the application that shows a session. Handlers find it by `session_of(request)`.

    Args:
        session: What is shown.
        host: Loopback address that the server listens on, if it is another one than 127.0.0.1 and ::1.
    """
    index_convertor.register()
    found: list[BaseRoute] = [*static_files.routes()]
    for feature in _features(session):
        found += feature(session)
    handlers = {kind: error_response for kind in (LatentclustError, HTTPException, Exception)}
    app = Starlette(routes=found, exception_handlers=handlers)
    app.state.session = session
    app.state.map = make_map_state(session)
    return Guard(app, session.token, session.base_map, host)

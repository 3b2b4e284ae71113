"""The application of the viewer: its routes behind the guard."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from latentclust.errors import LatentclustError
from latentclust.viewer import apply_routes, index_convertor, map_page, naming_routes, static_files
from latentclust.viewer.gallery import gallery_routes
from latentclust.viewer.map_state import make_map_state
from latentclust.viewer.responses import error_response
from latentclust.viewer.security import Guard
from latentclust.viewer.session import Session

FEATURES = (map_page.routes, gallery_routes.routes, naming_routes.routes, apply_routes.routes)
"""Functions that return the routes of a feature for a session: none if it has nothing to show there."""


def make_app(session: Session, host: str = "") -> Guard:
    """Return the application that shows a session. Handlers find it by `session_of(request)`.

    Args:
        session: What is shown.
        host: Loopback address that the server listens on, if it is another one than 127.0.0.1 and ::1.
    """
    index_convertor.register()
    found: list[BaseRoute] = [*static_files.routes()]
    for feature in FEATURES:
        found += feature(session)
    handlers = {kind: error_response for kind in (LatentclustError, HTTPException, Exception)}
    app = Starlette(routes=found, exception_handlers=handlers)
    app.state.session = session
    app.state.map = make_map_state(session)
    return Guard(app, session.token, session.base_map, host)

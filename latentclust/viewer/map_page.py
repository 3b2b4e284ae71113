"""The page with the map of scenes and label rasters."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from latentclust.viewer.pages import page
from latentclust.viewer.session import Session


def routes(session: Session) -> list[BaseRoute]:
    """Return the routes of the map: none without scenes."""
    return [Route("/", show)] if session.scenes else []


def show(request: Request) -> Response:
    """Return the page."""
    return page(request, "map.html")

"""The scripts and styles of the pages: a fixed table of the files that ship with latentclust."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from latentclust.viewer.responses import cached_response
from latentclust.web.assets import library_file, style

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Media type of each suffix that is served."""

LIBRARY_FILES = {"maplibre-gl": ("maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css")}
"""Files of npm libraries that pages load."""


def routes() -> list[Route]:
    """Return the route of each file below `static/`."""
    return [_route(path, content) for path, content in _contents()]


def _contents() -> Iterator[tuple[str, Traversable | str]]:
    yield "style.css", style()
    for file in files("latentclust.viewer").joinpath("static").iterdir():
        if suffix(file.name) in TYPES:
            yield file.name, file
    for library, names in LIBRARY_FILES.items():
        for name in names:
            yield f"{library}/{name}", library_file(library, name)


def _route(path: str, content: Traversable | str) -> Route:
    media_type = TYPES[suffix(path)]

    @cache
    def loaded() -> tuple[bytes, str]:
        data = content.encode() if isinstance(content, str) else content.read_bytes()
        return data, hashlib.sha256(data).hexdigest()[:16]

    def respond(request: Request) -> Response:
        data, digest = loaded()
        return cached_response(request, digest, lambda: data, media_type)

    return Route(f"/static/{path}", respond)


def suffix(name: str) -> str:
    """Return the last suffix of a name, with its dot."""
    return f".{name.rpartition('.')[2]}"

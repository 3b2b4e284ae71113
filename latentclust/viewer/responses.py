"""Responses of the viewer: content with an entity tag, and errors as JSON."""

import re
from collections.abc import Callable
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from latentclust.errors import LatentclustError, RunFailedError
from latentclust.viewer.security import refusal

_FOLDERS = re.compile(r"""(?<![\w/.:])/(?:[^\s/:;'"(){}]+/)+""")
"""Folders of an absolute path in a text. Those of a URL come after its host."""


class GoneError(LatentclustError):
    """A file that the viewer shows was deleted, or cannot be opened any more. HTTP status 410."""


def cached_response(request: Request, tag: str, content: Callable[[], bytes], media_type: str) -> Response:
    """Return content that the browser keeps and asks about again before each use, or 304 if it has it already.

    Args:
        request: Request, whose If-None-Match is compared.
        tag: Changes with the content.
        content: Makes the content, if the browser does not have it.
        media_type: Media type of the content.
    """
    return kept_response(request, tag) or tagged_response(tag, content(), media_type)


def kept_response(request: Request, tag: str) -> Response | None:
    """Return 304 if the browser has the content with a tag, or None."""
    has = f'"{tag}"' in request.headers.get("if-none-match", "")
    return Response(status_code=304, headers=_cache_headers(tag)) if has else None


def tagged_response(tag: str, content: bytes, media_type: str) -> Response:
    """Return content that the browser keeps, with its tag."""
    return Response(content, media_type=media_type, headers=_cache_headers(tag))


def _cache_headers(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}


def without_folders(text: str) -> str:
    """Return a text whose absolute paths are names of files alone. A folder with a space in its name stays."""
    return _FOLDERS.sub("", text)


def message_of(error: LatentclustError) -> str:
    """Return the words of an error for the page: a file is named without the folders of this computer."""
    issues = (
        replace(each, where=each.where.rpartition("/")[2] if each.where.startswith("/") else each.where)
        for each in error.issues
    )
    return without_folders("\n".join(map(str, issues)))


def error_response(request: Request, error: Exception) -> JSONResponse:
    """Return an exception as JSON without anything that is not meant for the page."""
    if isinstance(error, GoneError):
        return refusal(410, message_of(error))
    if isinstance(error, LatentclustError):
        return refusal(500 if isinstance(error, RunFailedError) else 400, message_of(error))
    if isinstance(error, HTTPException):
        return refusal(error.status_code, error.detail)
    return refusal(500, "The server failed; the terminal shows why.")

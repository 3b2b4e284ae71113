"""Responses of the viewer: content with an entity tag, and errors as JSON."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from latentclust.errors import LatentclustError, RunFailedError
from latentclust.viewer.security import refusal


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
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content(), media_type=media_type, headers=headers)


def error_response(request: Request, error: Exception) -> JSONResponse:
    """Return an exception as JSON without anything that is not meant for the page."""
    if isinstance(error, GoneError):
        return refusal(410, str(error))
    if isinstance(error, LatentclustError):
        return refusal(500 if isinstance(error, RunFailedError) else 400, str(error))
    if isinstance(error, HTTPException):
        return refusal(error.status_code, error.detail)
    return refusal(500, "The server failed; the terminal shows why.")

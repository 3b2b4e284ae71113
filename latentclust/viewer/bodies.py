"""Bodies of requests as JSON of a known form and size."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from latentclust.errors import first_problem

LARGEST = 2**24
"""Maximum size of a body in bytes: the indices of a million images."""

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, form: type[Body]) -> Body:
    """Return the body of a request. Raise HTTPException (400 or 413) if it has another form or is too large."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise HTTPException(413, f"The request is larger than {LARGEST:,} bytes.")
    try:
        return form.model_validate_json(bytes(data))
    except ValidationError as error:
        raise HTTPException(400, f"The request cannot be read ({first_problem(error)}).") from error

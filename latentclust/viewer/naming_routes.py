"""Routes by which pages read, save, undo and redo the names and colours of clusters."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from latentclust.model.stored_names import NamesChangedError
from latentclust.viewer.bodies import read_body
from latentclust.viewer.naming import ClusterEdit, Naming
from latentclust.viewer.responses import message_of
from latentclust.viewer.security import NO_STORE
from latentclust.viewer.session import Session

LONGEST_NAME = 10_000
"""Maximum number of characters of a name that a page saves."""

Version = Annotated[str, Field(max_length=64)]


class EditForm(BaseModel):
    """What changes about a cluster, see `ClusterEdit`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    colour: Annotated[str, Field(max_length=7)] | None = None


class SaveForm(BaseModel):
    """Changes of clusters, based on a version."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    clusters: dict[int, EditForm]


class VersionForm(BaseModel):
    """The version that the page shows."""

    model_config = ConfigDict(extra="forbid")

    version: Version


def routes(session: Session) -> list[BaseRoute]:
    """Return the routes of naming: none without a model file, and only the one that reads if it is read-only."""
    if session.model is None:
        return []
    naming = Naming(session.model, session.clusters)

    def show(request: Request) -> Response:
        return JSONResponse(naming.as_json(), headers=NO_STORE)

    async def save(request: Request) -> Response:
        form = await read_body(request, SaveForm)
        edits = {cluster: ClusterEdit(edit.name, edit.colour) for cluster, edit in form.clusters.items()}
        return await run_in_threadpool(_changed, naming, form.version, lambda: naming.save(form.version, edits))

    def step(change: Callable[[str], None]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            version = (await read_body(request, VersionForm)).version
            return await run_in_threadpool(_changed, naming, version, lambda: change(version))

        return handle

    found: list[BaseRoute] = [Route("/api/names", show, methods=["GET"])]
    if not session.read_only:
        found += [
            Route("/api/names/save", save, methods=["POST"]),
            Route("/api/names/undo", step(naming.undo), methods=["POST"]),
            Route("/api/names/redo", step(naming.redo), methods=["POST"]),
        ]
    return found


def _changed(naming: Naming, version: str, change: Callable[[], None]) -> Response:
    """Return the names after a change, or 409 with what another writer changed and the names as they are now."""
    try:
        change()
    except NamesChangedError as error:
        body = {"error": message_of(error), "changes": naming.changes_since(version), "names": naming.as_json()}
        return JSONResponse(body, 409, headers=NO_STORE)
    return JSONResponse(naming.as_json(), headers=NO_STORE)

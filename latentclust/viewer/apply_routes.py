"""Routes by which a page writes names and colours into the label rasters, as `clusters apply` does."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from latentclust.viewer.background_task import BackgroundTask, ShouldStop, TaskRunningError, Tell
from latentclust.viewer.responses import message_of
from latentclust.viewer.security import NO_STORE
from latentclust.viewer.session import Session


def routes(session: Session) -> list[BaseRoute]:
    """Return the routes of applying: none without a folder of label rasters and its model, or if it is read-only."""
    labels, model = session.labels, session.model
    if labels is None or model is None or session.read_only:
        return []

    def work(tell: Tell, should_stop: ShouldStop) -> dict[str, Any]:
        from latentclust.labelling.clusters.restyle import restyle  # takes seconds, and most sessions apply nothing

        done = restyle(labels, model, tell, should_stop)
        return {"rasters": len(done.rasters), "classes": len(done.classes.entries) - 1}

    task = BackgroundTask("clusters apply", work)

    def start(request: Request) -> Response:
        try:
            task.start()
        except TaskRunningError as error:
            return JSONResponse({"error": message_of(error)}, 409, headers=NO_STORE)
        return JSONResponse(task.progress.as_json(), 202, headers=NO_STORE)

    def show(request: Request) -> Response:
        return JSONResponse(task.progress.as_json(), headers=NO_STORE)

    def stop(request: Request) -> Response:
        task.stop()
        return JSONResponse(task.progress.as_json(), 202, headers=NO_STORE)

    return [
        Route("/api/apply", show, methods=["GET"]),
        Route("/api/apply/start", start, methods=["POST"]),
        Route("/api/apply/stop", stop, methods=["POST"]),
    ]

"""Routes of the gallery: its page, the images by index, similar images, and the selection as CSV."""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from latentclust.model.stored_names import model_identity, read_names
from latentclust.viewer.background_task import TaskRunningError
from latentclust.viewer.bodies import read_body
from latentclust.viewer.gallery.gallery import Gallery, open_run_gallery
from latentclust.viewer.gallery.pictures import ENLARGED, THUMBNAIL
from latentclust.viewer.gallery.selection_csv import selection_csv
from latentclust.viewer.gallery.table import Order
from latentclust.viewer.pages import page
from latentclust.viewer.responses import cached_response
from latentclust.viewer.security import NO_STORE
from latentclust.viewer.session import Session

ON_CARD = 10
"""Number of images on the card of a cluster."""

ON_PAGE = 120
"""Number of images on a page of a cluster."""

SIMILAR = 60
"""Number of similar images that are shown."""

SIDES = {"small": THUMBNAIL, "large": ENLARGED}


class ExportForm(BaseModel):
    """The images to export, in their order."""

    model_config = ConfigDict(extra="forbid")

    indices: Annotated[list[int], Field(min_length=1)]


def routes(session: Session) -> list[BaseRoute]:
    """Return the routes of the gallery: none without a run of whole images, or labelled ones."""
    gallery = session.gallery
    if gallery is None and session.run is not None and not session.scenes:
        gallery = open_run_gallery(session.run)
    if gallery is None:
        return []
    return [*_page_routes(session, gallery), *_image_routes(session, gallery), *_reading_routes(gallery)]


def _page_routes(session: Session, gallery: Gallery) -> list[BaseRoute]:
    def show(request: Request) -> Response:
        vector = len(gallery.model.raw_shape) == 1
        return page(request, "gallery.html", images=f"{len(gallery.table):,}", on_page=ON_PAGE, vector=vector)

    def overview(request: Request) -> Response:
        return JSONResponse(_overview(gallery), headers=NO_STORE)

    def members(request: Request) -> Response:
        cluster = request.path_params["cluster"]
        found = gallery.table.members(cluster, _order(request)).tolist()
        if not 1 <= cluster <= gallery.model.clusters:
            raise HTTPException(404, f"There is no cluster {cluster}.")
        number = _number(request, "page")
        shown = found[number * ON_PAGE : (number + 1) * ON_PAGE]
        return JSONResponse({"total": len(found), "items": _items(gallery, shown)}, headers=NO_STORE)

    def indices(request: Request) -> Response:
        found = gallery.table.members(request.path_params["cluster"], _order(request))
        return JSONResponse(found.tolist(), headers=NO_STORE)

    async def export(request: Request) -> Response:
        form = await read_body(request, ExportForm)
        text = await run_in_threadpool(_exported, session, gallery, form.indices)
        headers = {"Content-Disposition": 'attachment; filename="selection.csv"', **NO_STORE}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return [
        Route("/", show),
        Route("/api/gallery", overview),
        Route("/api/gallery/clusters/{cluster:index}", members),
        Route("/api/gallery/clusters/{cluster:index}/indices", indices),
        Route("/api/gallery/export", export, methods=["POST"]),
    ]


def _image_routes(session: Session, gallery: Gallery) -> list[BaseRoute]:
    identity = model_identity(gallery.model.header)[:12]

    def picture(request: Request) -> Response:
        index, size = request.path_params["index"], request.path_params["size"]
        if size not in SIDES:
            raise HTTPException(404, f"There is no size {size}.")
        pictures = gallery.images.pictures
        return cached_response(
            request, f"{identity}-{index}-{size}", lambda: pictures.png(index, SIDES[size]), "image/png"
        )

    def facts(request: Request) -> Response:
        (index,) = gallery.table.check([request.path_params["index"]])
        (item,) = _items(gallery, [index])
        found = None if gallery.codes is None else gallery.codes.second(index, item["cluster"])
        second = None if found is None else {"cluster": found[0], "confidence": found[1]}
        return JSONResponse({**item, "second": second, "known": gallery.codes is not None}, headers=NO_STORE)

    def similar(request: Request) -> Response:
        (index,) = gallery.table.check([request.path_params["index"]])
        if gallery.codes is None:
            raise HTTPException(409, "All images must be read out first.")
        found = gallery.codes.similar(index, SIMILAR).tolist()
        return JSONResponse({"items": _items(gallery, found), "space": gallery.codes.space}, headers=NO_STORE)

    return [
        Route("/images/{index:index}/{size}.png", picture),
        Route("/api/gallery/images/{index:index}", facts),
        Route("/api/gallery/images/{index:index}/similar", similar),
    ]


def _reading_routes(gallery: Gallery) -> list[BaseRoute]:
    def start(request: Request) -> Response:
        try:
            if gallery.codes is None:
                gallery.reading.start()
        except TaskRunningError:
            pass  # another page has started it
        return JSONResponse(gallery.reading.progress.as_json(), 202, headers=NO_STORE)

    def progress(request: Request) -> Response:
        return JSONResponse(gallery.reading.progress.as_json(), headers=NO_STORE)

    return [
        Route("/api/gallery/reading", progress, methods=["GET"]),
        Route("/api/gallery/reading/start", start, methods=["POST"]),
    ]


def _overview(gallery: Gallery) -> dict[str, Any]:
    """Return the clusters with their sizes and surest images, and why images cannot be shown."""
    table = gallery.table
    clusters = [
        {
            "cluster": cluster,
            "size": size,
            "confidence": table.mean_confidence(cluster),
            "surest": _items(gallery, table.members(cluster)[:ON_CARD].tolist()),
        }
        for cluster, size in enumerate(table.sizes(gallery.model.clusters), start=1)
    ]
    return {"problem": gallery.problem, "total": len(table), "clusters": clusters}


def _items(gallery: Gallery, indices: list[int]) -> list[dict[str, Any]]:
    """Return what a page shows of each image."""
    table = gallery.table
    return [
        {
            "index": index,
            "path": table.path(index),
            "cluster": int(table.clusters[index]),
            "confidence": float(table.confidence[index]),
        }
        for index in indices
    ]


def _exported(session: Session, gallery: Gallery, indices: list[int]) -> str:
    assert session.model is not None, "a run has a model"
    return selection_csv(gallery.table, read_names(session.model, session.clusters).names, indices)


def _order(request: Request) -> Order:
    given = request.query_params.get("order", "surest")
    for order in get_args(Order):
        if given == order:
            return order  # type: ignore[no-any-return]
    raise HTTPException(400, f"order is none of {', '.join(get_args(Order))}.")


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(400, f"{name} is not a number from 0.")
    return int(text)

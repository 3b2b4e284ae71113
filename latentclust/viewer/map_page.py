"""The page with the map of scenes and label rasters, and what it asks the server for."""

import math
import shlex
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from latentclust.data.display_bands import display_bands
from latentclust.errors import LatentclustError
from latentclust.viewer.legend_areas import legend_rows
from latentclust.viewer.legends import LEGEND_KINDS
from latentclust.viewer.map_state import MapState, map_state_of
from latentclust.viewer.pages import page
from latentclust.viewer.pixel import pixel
from latentclust.viewer.placement import EDGE, Placement
from latentclust.viewer.raster_pool import SCENE
from latentclust.viewer.responses import message_of, without_folders
from latentclust.viewer.security import NO_STORE
from latentclust.viewer.session import Session, session_of
from latentclust.viewer.stretch import LARGEST_WITHOUT_OVERVIEWS
from latentclust.viewer.tile_routes import ZOOMS, tile
from latentclust.viewer.tiles import SIDE

CLOSER = 2
"""Number of zoom levels beyond the resolution of a raster for which tiles are made. The browser enlarges the last."""


def routes(session: Session) -> list[BaseRoute]:
    """Return the routes of the map: none without scenes."""
    if not session.scenes:
        return []
    return [
        Route("/", show),
        Route("/api/scenes/{index:index}", scene_facts),
        Route("/api/scenes/{index:index}/legends", legends),
        Route("/api/scenes/{index:index}/pixel", pixel),
        Route("/api/versions", versions),
        Route("/tiles/{index:index}/{kind}/{z:index}/{x:index}/{y:index}", tile),
    ]


def show(request: Request) -> Response:
    """Return the page."""
    session = session_of(request)
    scenes = [{"title": scene.title, "moment": scene.moment} for scene in session.scenes]
    settings = {"baseMap": session.base_map, "side": SIDE}
    return page(request, "map.html", view={"scenes": scenes, **settings}, command=label_command(session))


def label_command(session: Session) -> str:
    """Return the command that labels the scenes of a session; empty if they are labelled, or there is no model."""
    if session.model is None or any(scene.rasters for scene in session.scenes):
        return ""
    names = [scene.scene.name for scene in session.scenes if scene.scene]
    return shlex.join(["latentclust", "label", str(session.model), *names, "--out", "labels"])


def scene_facts(request: Request) -> Response:
    """Return position, bands and layers of a scene as JSON."""
    state, session, index = map_state_of(request), session_of(request), request.path_params["index"]
    kinds, problems, found = state.pool.kinds(index), [], {}
    before = _versions(state, index)  # so that the page notices a change while the rasters are read
    if session.scenes[index].problem:
        problems.append(without_folders(session.scenes[index].problem))
    for kind in kinds:
        try:
            found[kind] = _layer(state, index, kind)
        except LatentclustError as error:
            problems.append(message_of(error))
    facts: dict[str, Any] = {"layers": found, "problems": problems, "versions": before}
    if SCENE in found:
        try:
            facts |= _bands(state, index)
            problems += [said] if (said := state.overviews.request(index, "again" in request.query_params)) else []
        except LatentclustError as error:
            problems.append(message_of(error))
            del found[SCENE]
    facts["versions"] |= _overview(state, index)
    return JSONResponse(facts, headers=NO_STORE)


def legends(request: Request) -> Response:
    """Return the legends of a scene's rasters of clusters and classes as JSON, and why others are missing."""
    state, session, index = map_state_of(request), session_of(request), request.path_params["index"]
    kinds = [kind for kind in LEGEND_KINDS if kind in state.pool.kinds(index)]
    if not kinds and session.model is not None:
        kinds = ["labels"]
    found: dict[str, Any] = {"problems": []}
    for kind in kinds:
        try:
            found[kind] = legend_rows(state, session, index, kind)
        except LatentclustError as error:
            found["problems"].append(message_of(error))
    return JSONResponse(found, headers=NO_STORE)


def versions(request: Request) -> Response:
    """Return what changes with each raster and legend as JSON, so that the page notices. A deleted file is null."""
    state, session = map_state_of(request), session_of(request)
    found = [_versions(state, index) | _overview(state, index) for index in range(len(session.scenes))]
    return JSONResponse(found, headers=NO_STORE)


def _versions(state: MapState, index: int) -> dict[str, str | None]:
    return {kind: _version(state, index, kind) for kind in state.pool.kinds(index)}


def _overview(state: MapState, index: int) -> dict[str, str | None]:
    """Return how much of a scene's overview is made, in words, while it is made."""
    try:
        said = state.overviews.progress(index) if SCENE in state.pool.kinds(index) else ""
    except LatentclustError:
        return {}
    return {"overview": said} if said else {}


def _version(state: MapState, index: int, kind: str) -> str | None:
    try:
        own = state.pool.version(index, kind)
        if kind == SCENE:
            return own + state.facts.mask_version(index) + "o" * state.overviews.is_ready(index)
        return own + state.legends.get(index, kind).version if kind in LEGEND_KINDS else own
    except LatentclustError:
        return None


def _layer(state: MapState, index: int, kind: str) -> dict[str, Any]:
    """Return where a raster lies on the map, and at which zoom levels it has tiles."""
    where = state.facts.placement(index, kind)
    height, width = where.size
    found: dict[str, Any] = {
        "masked": kind == SCENE and state.facts.is_masked(index),
        "bounds": list(where.degrees),
        "onEarth": where.on_earth,
        "width": width,
        "height": height,
        "minzoom": _first_zoom(state, index, kind, where),
        "maxzoom": min(ZOOMS - 1, max(0, math.ceil(_zoom(where.resolution * SIDE))) + CLOSER),
        "version": _version(state, index, kind),
    }
    if where.on_earth:
        found["crs"] = where.crs.to_string() if len(where.crs.to_string()) < 40 else "its own projection"
    return found


def _first_zoom(state: MapState, index: int, kind: str, where: Placement) -> int:
    """Return the first zoom level at which a tile covers few enough pixels of a raster without overviews."""
    if max(where.size) <= LARGEST_WITHOUT_OVERVIEWS or state.facts.has_overviews(index, kind):
        return 0
    if kind == SCENE and state.overviews.is_ready(index):
        return 0
    return min(ZOOMS - 1, max(0, math.ceil(_zoom(where.resolution * LARGEST_WITHOUT_OVERVIEWS))))


def _zoom(span: float) -> float:
    """Return the zoom level at which a tile is so many metres wide."""
    return math.log2(2 * EDGE / span)


def _bands(state: MapState, index: int) -> dict[str, Any]:
    """Return the bands of a scene, and the numbers of those that are shown first."""
    if state.facts.is_complex(index):
        what = "has complex values, which the map does not draw"
        raise LatentclustError.at(
            state.pool.source(index, SCENE).short, what, "Click on it for the real part of a pixel"
        )
    ranges = state.facts.ranges(index)
    bands = [{"number": b.number, "name": b.name, "low": b.low, "high": b.high, "whole": b.whole} for b in ranges]
    first = display_bands(None, [band.name for band in ranges], len(ranges))
    shown = [ranges[at].number for at in first]
    return {"bands": bands, "shown": shown if len(shown) == 3 else shown[:1]}

"""The route of map tiles: which raster, how it is drawn, and what the browser may keep."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rasterio.io import DatasetReader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from latentclust.errors import LatentclustError
from latentclust.viewer.legends import LEGEND_KINDS
from latentclust.viewer.map_state import MapState, map_state_of
from latentclust.viewer.placement import Placement, tile_transform
from latentclust.viewer.raster_pool import SCENE
from latentclust.viewer.responses import kept_response, tagged_response
from latentclust.viewer.session import LABELS
from latentclust.viewer.stretch import LARGEST_WITHOUT_OVERVIEWS
from latentclust.viewer.tiles import (
    Rgba,
    Stretch,
    Tile,
    empty_tile,
    encode_png,
    encode_scene,
    labelled_part,
    legend_tile,
    overlaps,
    scene_tile,
    share_tile,
)

ZOOMS = 25
"""Number of zoom levels of the map."""

FIX = "Reload the page"


def tile(request: Request) -> Response:
    """Return a tile as an image."""
    state, parts, query = map_state_of(request), request.path_params, request.query_params
    index, kind = parts["index"], parts["kind"]
    where = _tile(parts)
    version = state.pool.version(index, kind)
    placement = state.facts.placement(index, kind)
    pixels = tile_transform(where.x, where.y, where.zoom, 1).a / placement.resolution
    far = pixels > LARGEST_WITHOUT_OVERVIEWS and _is_slow(state, index, kind)
    coarse = far and kind == SCENE and state.overviews.is_ready(index)
    draw, look = _draw(state, index, kind, where, query, coarse)
    tag = hashlib.sha256(repr((version, look, where)).encode()).hexdigest()[:16]
    if kept := kept_response(request, tag):
        return kept
    if (far and not coarse) or not overlaps(placement, where):
        return tagged_response(tag, empty_tile(), "image/png")
    image, media_type = encode_scene(draw()) if kind == SCENE else (encode_png(draw()), "image/png")
    return tagged_response(tag, image, media_type)


def _is_slow(state: MapState, index: int, kind: str) -> bool:
    """Return whether a raster without overviews is too large to be read whole for a tile."""
    return max(state.facts.placement(index, kind).size) > LARGEST_WITHOUT_OVERVIEWS and not state.facts.has_overviews(
        index, kind
    )


def _tile(parts: Mapping[str, int]) -> Tile:
    zoom = parts["z"]
    if not (0 <= zoom < ZOOMS and 0 <= parts["x"] < 2**zoom and 0 <= parts["y"] < 2**zoom):
        raise HTTPException(404, "There is no such tile.")
    return Tile(parts["x"], parts["y"], zoom)


def _draw_scene(
    state: MapState, index: int, where: Tile, query: Mapping[str, str], coarse: bool
) -> tuple[Callable[[], Rgba], object]:
    """Return a function that draws a tile of a scene, or of its temporary overview, and what its look depends on."""
    pool, facts = state.pool, state.facts
    shown, labelled = _stretches(state, index, query), bool(_number(query, "labelled")) and facts.is_masked(index)
    labelled = labelled and not (coarse and _is_slow(state, index, LABELS))

    def draw() -> Rgba:
        with _opened(state, index, coarse) as (file, placement):
            colours = scene_tile(file, placement, where, shown)
        if not labelled:
            return colours
        try:
            with pool.borrow(index, LABELS) as file:
                return labelled_part(colours, file, facts.placement(index, LABELS), where)
        except LatentclustError:  # the layer of labels tells that they are damaged
            return colours

    return draw, (shown, coarse, facts.mask_version(index) if labelled else "")


@contextmanager
def _opened(state: MapState, index: int, coarse: bool) -> Iterator[tuple[DatasetReader, Placement]]:
    """Yield a scene, or its temporary overview, with its position."""
    if coarse:
        with state.overviews.borrow(index) as found:
            yield found
    else:
        with state.pool.borrow(index, SCENE) as file:
            yield file, state.facts.placement(index, SCENE)


def _draw(
    state: MapState, index: int, kind: str, where: Tile, query: Mapping[str, str], coarse: bool
) -> tuple[Callable[[], Rgba], object]:
    """Return a function that draws a tile, and what its look depends on apart from the pixels."""
    if kind == SCENE:
        return _draw_scene(state, index, where, query, coarse)
    pool, facts = state.pool, state.facts
    if kind in LEGEND_KINDS:
        current, only = state.legends.get(index, kind), _number(query, "only")

        def draw_legend() -> Rgba:
            with pool.borrow(index, kind) as file:
                return legend_tile(file, facts.placement(index, kind), where, current.legend, only)

        return draw_legend, (current.version, only)
    band = _number(query, "band") or 1

    def draw_share() -> Rgba:
        with pool.borrow(index, kind) as file:
            if not 1 <= band <= file.count:
                raise LatentclustError.at("band", f"{band} of {file.count}", FIX)
            return share_tile(file, facts.placement(index, kind), where, band)

    return draw_share, band


def _stretches(state: MapState, index: int, query: Mapping[str, str]) -> tuple[Stretch, ...]:
    """Return the bands of a query `bands=3,2,1&ranges=0:255,0:255,0:255`, with the ranges of the scene by default."""
    known = {band.number: band for band in state.facts.ranges(index)}
    try:
        numbers = [int(word) for word in query.get("bands", "").split(",")]
        ranges = [word.split(":") for word in query["ranges"].split(",")] if query.get("ranges") else None
        pairs = [(float(low), float(high)) for low, high in ranges] if ranges else None
        if len(numbers) not in (1, 3) or not known.keys() >= set(numbers) or (pairs and len(pairs) != len(numbers)):
            raise ValueError
    except ValueError:
        raise LatentclustError.at("bands", "must be one band of the scene or three, each with a range", FIX) from None
    pairs = pairs or [(known[number].low, known[number].high) for number in numbers]
    if not all(low < high and math.isfinite(high - low) for low, high in pairs):
        what = "the minimum of a band is not below its maximum, or infinite"
        raise LatentclustError.at("ranges", what, "Change one of them")
    return tuple(Stretch(number, low, high) for number, (low, high) in zip(numbers, pairs, strict=True))


def _number(query: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of a query, or None without it."""
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise LatentclustError.at(name, f"{text!r} is not a whole number", FIX)
    return int(text)

"""What the routes of the map share: open rasters, their facts and legends."""

from dataclasses import dataclass

from starlette.requests import Request

from latentclust.viewer.legends import Legends
from latentclust.viewer.raster_pool import RasterPool
from latentclust.viewer.scene_facts import SceneFacts
from latentclust.viewer.session import Session
from latentclust.viewer.temporary_overviews import TemporaryOverviews


@dataclass(frozen=True, slots=True)
class MapState:
    """The state of the map of a session.

    Attributes:
        pool: Open rasters.
        facts: Positions, bands and ranges.
        legends: Current legends.
        overviews: Temporary overviews of scenes without any.
    """

    pool: RasterPool
    facts: SceneFacts
    legends: Legends
    overviews: TemporaryOverviews


def make_map_state(session: Session) -> MapState:
    """Return the state of a session's map. Nothing is opened yet."""
    pool = RasterPool(session.scenes)
    masked = frozenset(index for index, scene in enumerate(session.scenes) if scene.masked)
    facts = SceneFacts(pool, masked)
    return MapState(pool, facts, Legends(session), TemporaryOverviews(pool, facts))


def map_state_of(request: Request) -> MapState:
    """Return the state of the map that a request asks for."""
    state: MapState = request.app.state.map
    return state

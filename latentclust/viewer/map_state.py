"""What the routes of the map share: open rasters, their facts and legends."""

from dataclasses import dataclass

from starlette.requests import Request

from latentclust.viewer.legends import Legends
from latentclust.viewer.raster_pool import RasterPool
from latentclust.viewer.scene_facts import SceneFacts
from latentclust.viewer.session import Session


@dataclass(frozen=True, slots=True)
class MapState:
    """The state of the map of a session.

    Attributes:
        pool: Open rasters.
        facts: Positions, bands and ranges.
        legends: Current legends.
    """

    pool: RasterPool
    facts: SceneFacts
    legends: Legends


def make_map_state(session: Session) -> MapState:
    """Return the state of a session's map. Nothing is opened yet."""
    pool = RasterPool(session.scenes)
    masked = frozenset(index for index, scene in enumerate(session.scenes) if scene.masked)
    return MapState(pool, SceneFacts(pool, masked), Legends(session))


def map_state_of(request: Request) -> MapState:
    """Return the state of the map that a request asks for."""
    state: MapState = request.app.state.map
    return state

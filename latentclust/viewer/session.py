"""What a viewer shows: scenes with their label rasters, a model, a run folder."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from latentclust.data.scenes.addresses import resolve_links
from latentclust.specs.scenes import Scene

if TYPE_CHECKING:
    from latentclust.viewer.gallery.gallery import Gallery


LABELS = "labels"
"""Kind of the label raster among the rasters of a scene."""


@dataclass(frozen=True, slots=True)
class ViewedScene:
    """A scene and the rasters that were made of it. Requests address both by their position, never by a path.

    Attributes:
        title: Name in the list of scenes.
        scene: The scene. None if it is unknown or cannot be found; `problem` says why.
        rasters: Path of each existing raster by kind: `labels`, `classes`, `confidence`, `probabilities`.
        moment: Acquisition date or time in ISO 8601. Empty if it is unknown.
        problem: Reason why the scene itself is not shown. Empty if it is.
        masked: Whether pixels were left out by a mask or a nodata value that the scene itself does not declare, so that
            only the label raster tells them.
    """

    title: str
    scene: Scene | None
    rasters: Mapping[str, Path] = field(default_factory=dict)
    moment: str = ""
    problem: str = ""
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """What one viewer shows, and what it may do.

    Attributes:
        title: Heading of the pages.
        scenes: Scenes. Empty for images, whose page is the gallery.
        model: Model file whose clusters are shown. None if it is unknown, or not the one that made the label rasters.
        clusters: Number of clusters of the model. 0 without one.
        labels: Folder of label rasters, whose outputs `clusters apply` rewrites. None if there is none.
        run: Run folder. None if none is viewed.
        gallery: Images that the model labelled for this session. None without them; that of a run is opened later.
        read_only: Whether the routes that write are absent.
        base_map: Whether the page may ask the tile server of OpenStreetMap for a base map.
        notes: Messages to the user about what cannot be shown.
        token: Secret first part of every path, without which a request is refused.
    """

    title: str
    scenes: tuple[ViewedScene, ...] = ()
    model: Path | None = None
    clusters: int = 0
    labels: Path | None = None
    run: Path | None = None
    gallery: "Gallery | None" = None
    read_only: bool = False
    base_map: bool = False
    notes: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def has_file(self, path: Path) -> bool:
        """Return whether a file that belongs to a raster exists, and no link leads out of the viewed folder to it."""
        return is_file_inside(path, self.labels or self.run or path.parent)


def is_file_inside(path: Path, folder: Path) -> bool:
    """Return whether a path is a file in a folder after links are resolved."""
    return path.is_file() and resolve_links(path).is_relative_to(resolve_links(folder))


def session_of(request: Request) -> Session:
    """Return the session that the application of a request was made from."""
    session: Session = request.app.state.session
    return session

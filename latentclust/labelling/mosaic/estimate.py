"""The mosaic that a run would make, from the places of its scenes alone."""

from collections.abc import Mapping
from pathlib import Path

from latentclust.data.scenes.opening import raster
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.mosaic.build import MOSAIC, failed_mosaic, resampled_warning
from latentclust.labelling.mosaic.grid import place_scenes
from latentclust.labelling.scenes.georeference import Georeference


def estimate_mosaic(folder: Path, places: Mapping[str, Georeference | None]) -> SceneResult | None:
    """Return the mosaic of scenes with its extent and warnings, or the reason why it would fail. None of no scene.

    Args:
        folder: Output folder.
        places: Size and georeference of the label raster of each scene that would be in the mosaic, by output, in the
            order of the inputs. None for a scene that is finished, whose label raster is read.
    """
    if not places:
        return None
    planned = SceneResult(MOSAIC.name, str(MOSAIC.output), "planned", joined=tuple(places))
    try:
        known = [where or _georeference(folder / name) for name, where in places.items()]
        grid = place_scenes([(Path(name), None) for name in places], known)
    # As in a run, whatever the reason is.
    except Exception as error:
        return failed_mosaic(planned, error)
    first, *others = zip(places, grid.scenes, strict=True)
    resampled = [name for name, place in others if place.resampled]
    height, width = grid.where.extent
    return SceneResult(
        planned.input,
        planned.output,
        "planned",
        warnings=resampled_warning(resampled, first[0]),
        pixels=height * width,
        joined=planned.joined,
    )


def _georeference(labels: Path) -> Georeference:
    with raster(labels) as file:
        return Georeference.from_dataset(file)

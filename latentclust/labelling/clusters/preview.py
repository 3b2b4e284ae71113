"""Sample patches of each cluster on one sheet, for an analyst to name the clusters by."""

from collections.abc import Callable, Iterable
from pathlib import Path

from matplotlib.figure import Figure

from latentclust.labelling.clusters.patches import patches_of
from latentclust.labelling.clusters.window_sample import Survey, survey
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scenes.discover import check_given, find_scenes
from latentclust.model.model import ClusteringModel
from latentclust.report.contact_sheet import ContactRow, contact_sheet


def preview(
    model: ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    patches: int = 8,
    size: int = 64,
    seed: int = 0,
    seen: Callable[[int, int], None] = lambda done, wanted: None,
) -> Figure:
    """A row of patches for each cluster, with its number, name, colour and share of pixels.

    Windows are drawn at random over all scenes and labelled; scenes are not read whole unless they are small.

    Args:
        model: Of label maps.
        scenes: Rasters, folders, glob patterns, and text files of paths.
        patches: Of each cluster, at most.
        size: Side of a patch, pixels.
        seed: Of the draw.
        seen: Hears how many of the windows are labelled.

    Raises:
        LatentclustError: No scenes, one that cannot be read or does not suit the model, or none with data.
    """
    names = model.bands.names if model.bands else ()
    surveyed = survey(model, find_scenes(check_given(scenes), None, names=names), -(-size // 2), seed, seen)
    rows = []
    for entry in Legend.from_clusters(model).entries[1:]:
        found = patches_of(surveyed, entry.value, patches, size)
        share = float(surveyed.counts[entry.value - 1] / surveyed.pixels)
        rows.append(ContactRow(entry.value, entry.name, entry.hex, share, found))
    return contact_sheet(rows, patches, size, _title(model, surveyed, size))


def _title(model: ClusteringModel, surveyed: Survey, size: int) -> str:
    """What is shown, and what of the scenes was seen."""
    windows, scenes = len(surveyed.sights), surveyed.scenes
    read = f"{surveyed.pixels:,} pixels in {windows:,} windows of {scenes:,} scene{'s' if scenes > 1 else ''}"
    return (
        f"{model.resolved.recipe.name}: the clusters, outlined, in patches of {size} x {size} pixels; seen were {read}"
    )

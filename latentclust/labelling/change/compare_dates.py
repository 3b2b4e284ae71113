"""Change between two label rasters of one model: a raster, tables and a summary, in bounded memory."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.data.rasters import Opened
from latentclust.data.scenes.opening import open_raster
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.change.change_result import CLASSES, FILES, RASTER, SUMMARY, TABLE, Change
from latentclust.labelling.change.labelled_raster import LabelledRaster, check_comparable, find_labelled_raster
from latentclust.labelling.change.option_differences import option_differences
from latentclust.labelling.change.summary import change_markdown
from latentclust.labelling.change.transitions import MAX_CLUSTERS, TransitionMatrix, change_legend, transition_codes
from latentclust.labelling.measure.area_table import number
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.outputs.cog import convert_to_cog, create_draft_raster, write_errors
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.result_folder import result_folder
from latentclust.labelling.outputs.sidecars import write_sidecars
from latentclust.labelling.reference.blocks import split_into_blocks
from latentclust.labelling.reference.resample import align_to_scene
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.labelling.windows.stitch import NO_DATA

COLUMNS = ("before", "before_name", "after", "after_name", "pixels", "area_m2", "share", "share_of_before")

OnProgress = Callable[[int, int], None]


def compare_dates(
    before: Path,
    after: Path,
    out: Path,
    overwrite: bool = False,
    on_progress: OnProgress = lambda done, wanted: None,
) -> Change:
    """Compare two label rasters of one model and write the change into a folder.

    Memory holds blocks of 512 x 512 pixels.

    Args:
        before: Label raster of the earlier date, in an output folder of `label`.
        after: The same of the later date. If its grid differs, it is resampled by nearest neighbour.
        out: Folder of the results.
        overwrite: Whether results of an earlier call are replaced.
        on_progress: Called with the number of compared blocks and the number of all blocks.

    Returns:
        The transitions, which are in the tables too, with warnings about options that the maps do not have in common.

    Raises:
        LatentclustError: If a raster is not a label raster, the models or the names differ, the grids cannot be
            matched, no pixel is valid at both dates, or a file cannot be read or written.
    """
    first, second = find_labelled_raster(before), find_labelled_raster(after)
    check_comparable(first, second)
    if first.clusters > MAX_CLUSTERS:
        what = f"has {first.clusters} clusters, but transitions of at most {MAX_CLUSTERS} can be written"
        raise LatentclustError.at(str(before), what, "Use a model with fewer clusters")
    with result_folder(out, FILES, overwrite, (before, after)) as folder:
        found = _compare(first, second, folder, on_progress, out)
        _write_table(found.clusters, folder / TABLE)
        if found.has_classes:
            _write_table(found.classes, folder / CLASSES)
        with write_errors(folder / SUMMARY):
            (folder / SUMMARY).write_text(change_markdown(found), encoding="utf-8")
    return found


def _compare(first: LabelledRaster, second: LabelledRaster, folder: Path, on_progress: OnProgress, out: Path) -> Change:
    """Write the change raster and its legend into a folder, and return the transitions."""
    clusters, legend, draft = first.clusters, change_legend(first.legend), folder / "draft.tif"
    words = ("later raster", "earlier raster")
    with open_raster(first.path) as file, open_raster(second.path) as other:
        where = Georeference.from_dataset(file)
        tally, alone = AreaTally(len(legend.entries), GroundArea.from_dataset(file)), np.zeros(2, np.int64)
        blocks = split_into_blocks(file.height, file.width)
        with (
            align_to_scene(other, second.path, file, words) as aligned,
            create_draft_raster(draft, where, legend.dtype, legend.palette) as grown,
        ):
            for done, block in enumerate(blocks):
                on_progress(done, len(blocks))
                one = _read(file, first, block.window)
                two = _read(aligned.file, second, block.window)
                codes = transition_codes(one, two, clusters)
                tally.add(codes, block.window.row_off, block.window.col_off)
                alone += [np.count_nonzero((one > 0) & (two == 0)), np.count_nonzero((one == 0) & (two > 0))]
                grown.write(codes.astype(legend.dtype), block.window)
    _write_raster(draft, folder / RASTER, where, legend, tally, second.path)
    shape = (clusters, clusters)
    matrix = TransitionMatrix(
        tuple(first.legend.names.values()), tally.counts[1:].reshape(shape), tally.areas[1:].reshape(shape)
    )
    lost, gained = alone.tolist()
    warnings = option_differences(first.options, second.options)
    return Change(out, first.path, second.path, aligned.description, matrix, matrix.merged(), lost, gained, warnings)


def _read(file: Opened, raster: LabelledRaster, window: Window) -> NDArray[Any]:
    """Return the clusters `(h, w)` of a block. Raise LatentclustError if they are not those of the legend."""
    with decode_errors(raster.path):
        values: NDArray[Any] = file.read(1, window=window)
    if values.max() > raster.clusters:
        what = f"contains the value {values.max()}, but its legend has {raster.clusters} clusters"
        raise LatentclustError.at(str(raster.path), what, "Label the scene again")
    return values


def _write_raster(
    draft: Path, target: Path, where: Georeference, legend: Legend, tally: AreaTally, after: Path
) -> None:
    """Write the finished change raster and its legend. The style for QGIS has only the transitions that occur."""
    counts = dict(enumerate(tally.counts.tolist()))
    valid = sum(counts.values()) - counts[NO_DATA]
    if not valid:
        fix = "Check that the two rasters overlap"
        raise LatentclustError.at(str(after), "has no labelled pixel where the earlier raster has one", fix)
    convert_to_cog(draft, target, "MODE", where, valid)
    draft.unlink()
    occurring = Legend(tuple(entry for entry in legend.entries if counts[entry.value] or entry.value == NO_DATA))
    write_sidecars(target, legend, counts, occurring)


def _write_table(matrix: TransitionMatrix, target: Path) -> None:
    """Write the transitions that occur as CSV."""
    rows: list[Sequence[Any]] = [
        (
            *(each.before, each.before_name, each.after, each.after_name, each.pixels),
            *(number(each.area_m2, "3f"), number(each.share, "6f"), number(each.share_of_before, "6f")),
        )
        for each in matrix.transitions()
    ]
    with write_errors(target), target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])

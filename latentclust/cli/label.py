"""`latentclust label`: label scenes of any size with a saved model of label maps."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.declared_options import read_options, takes_options
from latentclust.cli.shared_options import Json, ModelPath, Plugins
from latentclust.errors import Issue, RunFailedError

if TYPE_CHECKING:
    from latentclust.labelling.label_options import LabelOptions
    from latentclust.labelling.label_report import LabelReport

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...",
        help="Rasters, folders, 'glob patterns', URLs, STAC items, or .txt files that list them.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Output folder of the label rasters and of labelling.json.")]

PANELS = {
    "Windows": ("tile", "overlap", "blend", "batch", "precision", "seed", "max_memory"),
    "Outputs": ("confidence", "probabilities", "sieve", "classes", "mosaic", "stac", "datetime"),
    "Polygons": ("vector", "min_area", "simplify", "max_polygons"),
    "Zones": ("zones", "zone_field"),
    "Area": ("bbox", "bbox_crs", "geometry"),
    "Workers": ("device", "workers", "scheduler"),
}
"""Options in each panel of the help; the others are in the general one."""


def _load() -> "type[LabelOptions]":
    from latentclust.labelling.label_options import LabelOptions

    return LabelOptions


@takes_options(_load, {name: panel for panel, names in PANELS.items() for name in names})
def label(
    model: ModelPath, scenes: Scenes, out: Out, plugins: Plugins = None, json: Json = False, **values: Any
) -> None:
    """Label satellite scenes of any size, pixel by pixel.

    Each scene becomes a Cloud-Optimized GeoTIFF in DIR: clusters count from 1, and 0 is nodata. A scene
    that fails does not stop the others. After a stop or a crash the same command resumes the run.

    Examples:
        latentclust label runs/rmnp/20260101-120000-0 scenes/ --out labels
        latentclust label model.safetensors 'scenes/**/*.tif' --out labels --confidence
    """
    from latentclust.cli.label_progress import make_label_progress
    from latentclust.cli.terminal import print_json

    options = read_options(_load(), values)
    with make_label_progress() as listener:
        from latentclust.labelling.label_scenes import label as label_scenes

        report = label_scenes(model, scenes, out, options, listener=listener)
    if json:
        print_json(report.as_json())
    else:
        _show(report, options.dry_run)
    if report.failures:
        fix = "Correct or leave out the scene, then run the same command again"
        raise RunFailedError(*(Issue(scene.input, scene.reason.rstrip("."), fix) for scene in report.failures))


def _show(report: "LabelReport", dry_run: bool) -> None:
    from latentclust.cards import Cells
    from latentclust.cli.terminal import display_path, stdout_console
    from latentclust.data.scenes.folders import RUN_LOG
    from latentclust.labelling.label_summary import area_parts, result_sentences, warning_sentences

    console = stdout_console()
    folder = f"labels in {display_path(report.folder)}, log in {display_path(report.folder / RUN_LOG)}"
    lines = _planned_lines(report) if dry_run else [*result_sentences(report), folder]
    for line in (*lines, *warning_sentences(report)):
        console.print(line, soft_wrap=True)
    for part in () if dry_run else area_parts(report):
        console.print(part, soft_wrap=not isinstance(part, Cells))


def _planned_lines(report: "LabelReport") -> list[str]:
    from latentclust.labelling.label_summary import other_counts

    planned = [scene for scene in report.scenes if scene.status == "planned"]
    pixels = sum(scene.pixels for scene in planned)
    lines = [f"would label {len(planned):,} of {len(report.scenes):,} scenes{other_counts(report)}; nothing is written"]
    lines.append(f"{pixels:,} pixels in {report.windows:,} windows; {report.note}")
    if (mosaic := report.mosaic) and mosaic.status == "planned":
        lines.append(f"{mosaic.output} would have {mosaic.pixels:,} pixels and {len(mosaic.joined):,} scenes")
    return lines

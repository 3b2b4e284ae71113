"""`latentclust label`: scenes of any size into label rasters, by a saved model of label maps."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Device, Json, ModelPath
from latentclust.errors import Issue, RunFailedError

if TYPE_CHECKING:
    from latentclust.labelling.label_report import LabelReport


class PrecisionName(StrEnum):
    """How networks compute."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class BlendName(StrEnum):
    """How windows meet."""

    HANN = "hann"
    CROP = "crop"


Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...",
        help="Rasters, folders, 'glob patterns', URLs, STAC items, .txt files of them.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the label rasters and of labelling.json.")]
Bands = Annotated[
    str | None,
    typer.Option(metavar="B04,B03,B02", help="Files alike but for these words are one scene.", show_default=False),
]
Tile = Annotated[
    int | None,
    typer.Option(min=1, help="Side of a window, pixels; as in training, or larger.", rich_help_panel="Windows"),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Pixels that windows share; twice the model's radius and 16, or a quarter.",
        rich_help_panel="Windows",
    ),
]
Blending = Annotated[
    BlendName,
    typer.Option(help="Windows meet by Hann weights on probabilities, or by a cut.", rich_help_panel="Windows"),
]
Batch = Annotated[
    int | None,
    typer.Option(min=1, help="Windows at a time; the recipe's evaluate.batch_size.", rich_help_panel="Windows"),
]
Confidence = Annotated[
    bool,
    typer.Option("--confidence", help="Write NAME-confidence.tif too: 1 chance, 255 sure.", rich_help_panel="Outputs"),
]
Seed = Annotated[int, typer.Option(min=0, help="Of an inference that draws.", rich_help_panel="Windows")]
Precise = Annotated[
    PrecisionName,
    typer.Option(help="How networks compute; auto is bf16 on a GPU that has it.", rich_help_panel="Windows"),
]
Probabilities = Annotated[
    bool,
    typer.Option(
        "--probabilities",
        help="Write NAME-probabilities.tif: a band a cluster, 1 none, 255 sure.",
        rich_help_panel="Outputs",
    ),
]
Classes = Annotated[
    bool,
    typer.Option(
        "--classes",
        help="Write NAME-classes.tif: clusters of one name merged (clusters name).",
        rich_help_panel="Outputs",
    ),
]
Polygons = Annotated[
    bool, typer.Option("--vector", help="Write NAME.gpkg: a polygon for each region.", rich_help_panel="Outputs")
]
MinArea = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="M2", help="With --vector: smaller regions go to a neighbour.", rich_help_panel="Outputs"
    ),
]
MaxPolygons = Annotated[
    int | None,
    typer.Option(min=1, help="A scene with more polygons fails; a million.", rich_help_panel="Outputs"),
]
Stac = Annotated[bool, typer.Option("--stac", help="Write NAME.stac.json: a STAC item.", rich_help_panel="Outputs")]
Taken = Annotated[
    str | None,
    typer.Option(
        "--datetime",
        metavar="TIME",
        help="When scenes were taken that do not say: 2020-06-01T12:00:00Z.",
        rich_help_panel="Outputs",
    ),
]
Box = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(
        metavar="W S E N",
        help="Cut outputs to a box; windows stay where they are.",
        show_default=False,
        rich_help_panel="Area",
    ),
]
BoxCrs = Annotated[
    str | None, typer.Option(metavar="CRS", help="Of --bbox: EPSG:4326; each scene's own.", rich_help_panel="Area")
]
Geometry = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Cut outputs to the polygons of a file.", rich_help_panel="Area")
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="What windows and networks may take, such as 2GB: smaller batches.",
        rich_help_panel="Windows",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes of a local Dask cluster; none: this one.", rich_help_panel="Who labels"),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Dask scheduler; its workers see DIR too.", rich_help_panel="Who labels"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be done.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs of another model, other options or changed scenes.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first scene that fails.")]


def label(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    scenes: Scenes,
    out: Out,
    bands: Bands = None,
    tile: Tile = None,
    overlap: Overlap = None,
    blend: Blending = BlendName.HANN,
    batch: Batch = None,
    precision: Precise = PrecisionName.AUTO,
    confidence: Confidence = False,
    probabilities: Probabilities = False,
    classes: Classes = False,
    vector: Polygons = False,
    min_area: MinArea = None,
    max_polygons: MaxPolygons = None,
    stac: Stac = False,
    datetime: Taken = None,
    bbox: Box = None,
    bbox_crs: BoxCrs = None,
    geometry: Geometry = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Workers = None,
    scheduler: Scheduler = None,
    max_memory: Memory = None,
    overwrite: Overwrite = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Label satellite scenes of any size, pixel by pixel.

    DIR gets a Cloud-Optimized GeoTIFF a scene: clusters count from 1, and 0 is no data. A scene that
    fails stops no other. After a stop or a crash the same command goes on where it was.

    Examples:
        latentclust label runs/rmnp/20260101-120000-0 scenes/ --out labels
        latentclust label model.safetensors 'scenes/**/*.tif' --out labels --confidence
    """
    from latentclust.cli.label_progress import make_label_progress
    from latentclust.cli.terminal import print_json

    with make_label_progress() as listener:
        from latentclust.labelling.label_scenes import label as label_scenes
        from latentclust.labelling.windows.memory import parse_size

        report = label_scenes(
            model,
            scenes,
            out,
            bands=[word.strip() for word in bands.split(",")] if bands else (),
            tile=tile,
            overlap=overlap,
            blend=blend.value,
            batch=batch,
            precision=precision.value,
            confidence=confidence,
            probabilities=probabilities,
            classes=classes,
            vector=vector,
            min_area=min_area,
            max_polygons=max_polygons,
            stac=stac,
            datetime=datetime,
            bbox=bbox,
            bbox_crs=bbox_crs,
            geometry=geometry,
            seed=seed,
            device=device,
            workers=workers,
            scheduler=scheduler,
            max_memory=None if max_memory is None else parse_size(max_memory),
            overwrite=overwrite,
            strict=strict,
            dry_run=dry_run,
            listener=listener,
        )
    if json:
        print_json(report.as_json())
    else:
        _show(report, dry_run)
    if report.failed:
        fix = "Mend or leave out the scene, then run the same command again"
        raise RunFailedError(*(Issue(scene.input, scene.reason.rstrip("."), fix) for scene in report.failed))


def _show(report: "LabelReport", dry_run: bool) -> None:
    from latentclust.cli.terminal import stdout_console

    console = stdout_console()
    for line in _would(report) if dry_run else _did(report):
        console.print(line, markup=False, soft_wrap=True)


def _would(report: "LabelReport") -> list[str]:
    planned = [scene for scene in report.scenes if scene.status == "planned"]
    pixels = sum(scene.pixels for scene in planned)
    lines = [f"would label {len(planned):,} of {len(report.scenes):,} scenes{_rest(report)}; nothing is written"]
    lines.append(f"{pixels:,} pixels in {report.windows:,} windows; {report.note}")
    return lines + _odd(report)


def _did(report: "LabelReport") -> list[str]:
    from latentclust.cli.terminal import display_path
    from latentclust.labelling.run_log import RUN_LOG

    fresh = sum(scene.status == "done" for scene in report.scenes if scene.output not in report.kept)
    lines = [f"labelled {fresh:,} of {len(report.scenes):,} scenes{_rest(report)}"]
    if fresh:
        speed = report.pixels / 1e6 / max(report.seconds, 1e-9)
        lines.append(f"{report.pixels:,} pixels in {report.seconds:.1f} s, {speed:.2f} megapixels/s")
    lines.append(f"in {display_path(report.folder)}, told in {display_path(report.folder / RUN_LOG)}")
    return lines + _odd(report)


def _rest(report: "LabelReport") -> str:
    """What became of the scenes that were not labelled now."""
    outside = sum(scene.status == "outside" for scene in report.scenes)
    counts = ((len(report.kept), "were before"), (outside, "outside the area"), (len(report.failed), "failed"))
    return "".join(f", {count:,} {what}" for count, what in counts if count)


def _odd(report: "LabelReport") -> list[str]:
    return [f"{scene.output}: {odd}" for scene in report.scenes for odd in scene.warnings]

"""`latentclust label`: scenes of any size into label rasters, by a saved model of label maps."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.options import Device, Json, ModelPath
from latentclust.errors import Issue, RunFailedError

if TYPE_CHECKING:
    from latentclust.labelling.outcome import LabelReport


class Blend(StrEnum):
    """How windows meet."""

    HANN = "hann"
    CROP = "crop"


Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...", help="Rasters, folders, 'glob patterns', .txt files of paths.", show_default=False
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder of the label rasters and of labelling.json.")]
Tile = Annotated[int | None, typer.Option(min=1, help="Side of a window, pixels; that of the training images.")]
Overlap = Annotated[int | None, typer.Option(min=0, help="Pixels that windows share; a quarter of a window.")]
Blending = Annotated[Blend, typer.Option(help="Windows meet by Hann weights on probabilities, or by a cut.")]
Batch = Annotated[int | None, typer.Option(min=1, help="Windows at a time; the recipe's evaluate.batch_size.")]
Confidence = Annotated[bool, typer.Option("--confidence", help="Write NAME-confidence.tif too: 1 chance, 255 sure.")]
Seed = Annotated[int, typer.Option(min=0, help="Of an inference that draws.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Label all anew, whatever DIR holds.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first scene that fails.")]


def label(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    scenes: Scenes,
    out: Out,
    tile: Tile = None,
    overlap: Overlap = None,
    blend: Blending = Blend.HANN,
    batch: Batch = None,
    confidence: Confidence = False,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Label satellite scenes of any size, pixel by pixel.

    DIR gets a Cloud-Optimized GeoTIFF a scene: clusters count from 1, and 0 is no data. A scene that
    fails stops no other. After a stop or a crash the same command goes on where it was.

    Examples:
        latentclust label runs/rmnp/20260101-120000-0 scenes/ --out labels
        latentclust label model.safetensors 'scenes/**/*.tif' --out labels --confidence
    """
    from latentclust.cli.label_progress import watch
    from latentclust.cli.terminal import print_json

    with watch() as watcher:
        from latentclust.labelling.run import label as label_scenes

        report = label_scenes(
            model,
            scenes,
            out,
            tile=tile,
            overlap=overlap,
            blend=blend.value,
            batch=batch,
            confidence=confidence,
            seed=seed,
            device=device,
            overwrite=overwrite,
            strict=strict,
            watcher=watcher,
        )
    if json:
        print_json(report.as_json())
    else:
        _show(report)
    if report.failed:
        fix = "Mend or leave out the scene, then run the same command again"
        raise RunFailedError(*(Issue(scene.input, scene.reason.rstrip("."), fix) for scene in report.failed))


def _show(report: "LabelReport") -> None:
    from latentclust.cli.terminal import results, shown
    from latentclust.labelling.manifest import NAME

    console = results()
    done = [scene for scene in report.scenes if scene.status == "done"]
    fresh = len(done) - len(report.kept)
    before = f", {len(report.kept):,} were before" if report.kept else ""
    failed = f", {len(report.failed):,} failed" if report.failed else ""
    speed = report.pixels / 1e6 / max(report.seconds, 1e-9)
    lines = [f"labelled {fresh:,} of {len(report.scenes):,} scenes{before}{failed}"]
    if fresh:
        lines.append(f"{report.pixels:,} pixels in {report.seconds:.1f} s, {speed:.2f} megapixels/s")
    lines.append(f"in {shown(report.folder)}, told in {shown(report.folder / NAME)}")
    lines += [f"{scene.output}: {odd}" for scene in done for odd in scene.warnings]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)

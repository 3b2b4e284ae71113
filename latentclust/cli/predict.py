"""`latentclust predict`: assignment of images to the clusters of a saved model."""

from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import LARGEST_SEED, Device, ModelPath, Plugins
from latentclust.errors import LatentclustError

if TYPE_CHECKING:
    import pandas as pd

Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGES...",
        help="Images, folders, .npy, .npz or .csv files; .mat and .h5ad as in training.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="A .csv or .parquet file. An existing file is replaced.")]
Resize = Annotated[
    bool,
    typer.Option("--resize", help="Resize images to the size that the model reads. Default if its training data were."),
]
Range = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--range",
        metavar="LOW HIGH",
        help="Array values that become 0 and 1. Defaults to the recipe's data.range, else 0 255 for bytes, else 0 1.",
    ),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out image files that cannot be read, and count them.")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Random seed for inference that samples.")]

SUFFIXES = (".csv", ".parquet")


def predict(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    images: Images,
    out: Out,
    resize: Resize = False,
    range_: Range = None,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    plugins: Plugins = None,
    device: Device = "auto",
) -> None:
    """Assign images to the clusters of a saved model.

    FILE gets one row per image: its path, its index in that file (from 0; 0 for an image file),
    its cluster (from 1) and the confidence, which is the probability of the cluster; and the name of
    the cluster if the model has names (see clusters name).

    Examples:
        latentclust predict runs/digits/20260101-120000-0 photos/ --out clusters.csv --resize
        latentclust predict model.safetensors scans.npy --out clusters.parquet
    """
    _check_out(out)
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, stderr_console, stdout_console

    with show_phases("loading the model") as phases:
        import pandas as pd

        from latentclust.infer.image_inputs import Reading, open_inputs
        from latentclust.model.class_names import name_of
        from latentclust.model.model_file import load
        from latentclust.train.devices import first_device

        loaded = load(model, first_device(device))
        if loaded.per_pixel:
            what = "is a per-pixel model, but the table has one cluster per image"
            raise LatentclustError.at(str(model), what, "In Python use latentclust.load(MODEL).predict(images).labels")
        trained = Reading.of(loaded.resolved.dataset)
        reading = replace(trained, resize=resize or trained.resize, range=range_ or trained.range, skip_bad=skip_bad)
        phases.begin("opening the images")
        inputs = open_inputs(images, loaded.raw_shape, reading)
        size = loaded.resolved.recipe.evaluate.batch_size
        posterior = loaded.predict(inputs.source, size, seed, phases=phases)
    clusters = posterior.labels.numpy() + 1
    columns = {
        "path": inputs.paths,
        "index": inputs.rows,
        "cluster": clusters,
        "confidence": posterior.confidence.numpy(),
    }
    if loaded.names:
        columns["name"] = [name_of(cluster, loaded.names) for cluster in clusters.tolist()]
    _write(out, pd.DataFrame(columns))
    for note in inputs.notes:
        stderr_console().print(f"warning: {note}", soft_wrap=True)
    if inputs.skipped:
        noun = "file was" if len(inputs.skipped) == 1 else "files were"
        first = inputs.skipped[0]
        text = f"{len(inputs.skipped):,} {noun} left out, the first: {first.where}: {first.what}"
        stderr_console().print(text, soft_wrap=True)
    stdout_console().print(f"wrote {len(inputs.paths):,} rows to {display_path(out)}", soft_wrap=True)


def _check_out(out: Path) -> None:
    """Raise LatentclustError, before anything is read, if the file cannot be written."""
    if out.suffix.lower() not in SUFFIXES:
        raise LatentclustError.at(
            "--out", f"{out} must be a {' or '.join(SUFFIXES)} file", f"End the name in {' or '.join(SUFFIXES)}"
        )
    if out.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        fix = "Install it (pip install 'latentclust[parquet]'), or write a .csv file"
        raise LatentclustError.at("--out", "Parquet files need pyarrow, which is not installed", fix)


def _write(out: Path, table: "pd.DataFrame") -> None:
    from latentclust.files import write_atomic

    if out.suffix.lower() == ".parquet":
        buffer = BytesIO()
        table.to_parquet(buffer, index=False)
        write_atomic(out, buffer.getvalue())
    else:
        write_atomic(out, table.to_csv(index=False, float_format="%.6f"))

"""`latentclust predict`: the clusters of images by a saved model."""

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Device, ModelPath
from latentclust.errors import LatentclustError

if TYPE_CHECKING:
    import pandas as pd

Images = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGES...", help="Images, folders, .npy, .npz; vectors also .csv.", show_default=False),
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="A .csv or .parquet file; replaced if it is there.")]
Resize = Annotated[bool, typer.Option("--resize", help="Resize images to the model's size.")]
Range = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--range", metavar="LOW HIGH", help="The values of arrays that become 0 and 1; 0 255 for bytes, else 0 1."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of an inference that draws.")]

SUFFIXES = (".csv", ".parquet")


def predict(
    model: ModelPath,
    images: Images,
    out: Out,
    resize: Resize = False,
    range_: Range = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Assign images to the clusters of a saved model.

    FILE gets a row an image: its path, its index in that file (from 0; 0 for an image file),
    its cluster (from 1) and the confidence, which is the cluster's probability.

    Examples:
        latentclust predict runs/digits/20260101-120000-0 photos/ --out clusters.csv --resize
        latentclust predict model.safetensors scans.npy --out clusters.parquet
    """
    _check_out(out)
    import pandas as pd

    from latentclust.cli.read_progress import read_progress
    from latentclust.cli.terminal import display_path, stdout_console
    from latentclust.infer.image_inputs import open_inputs
    from latentclust.model.model_file import load
    from latentclust.train.devices import make_fabric

    loaded = load(model, make_fabric(device, 1).device)
    if loaded.per_pixel:
        what = "this model gives images label maps, and a table has one cluster an image"
        raise LatentclustError.at(str(model), what, "In Python: latentclust.load(MODEL).predict(images).labels")
    inputs = open_inputs(images, loaded.raw_shape, resize, range_)
    with read_progress(inputs.source) as source:
        posterior = loaded.predict(source, loaded.resolved.recipe.evaluate.batch_size, seed)
    columns = {
        "path": inputs.paths,
        "index": inputs.rows,
        "cluster": posterior.labels.numpy() + 1,
        "confidence": posterior.confidence.numpy(),
    }
    _write(out, pd.DataFrame(columns))
    stdout_console().print(f"wrote {len(inputs.paths):,} rows to {display_path(out)}", markup=False, soft_wrap=True)


def _check_out(out: Path) -> None:
    """Refuses, before anything is read, a file that could not be written."""
    if out.suffix.lower() not in SUFFIXES:
        raise LatentclustError.at("--out", f"{out} is none of {', '.join(SUFFIXES)}", "End the name in one of them")
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

"""`latentclust sample`: images drawn by a generative system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import LARGEST_SEED, Device, ModelPath, Plugins
from latentclust.errors import LatentclustError

if TYPE_CHECKING:
    import torch

    from latentclust.infer.sampling import LatentGrid
    from latentclust.model.model import ClusteringModel

Out = Annotated[Path, typer.Option(metavar="PNG", help="PNG file to write.", show_default=False)]
PerCluster = Annotated[int, typer.Option(min=1, help="Number of samples per cluster, or of rows of an interpolation.")]
Interpolate = Annotated[
    tuple[int, int] | None, typer.Option(metavar="A B", help="Interpolate from cluster A to cluster B, counted from 1.")
]
Traverse = Annotated[
    int | None,
    typer.Option(
        metavar="DIM", help="Vary style dimension DIM, counted from 1, by 5 standard deviations in both directions."
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Random seed.")]


def sample(
    model: ModelPath,
    out: Out,
    per_cluster: PerCluster = 10,
    interpolate: Interpolate = None,
    traverse: Traverse = None,
    seed: Seed = 0,
    plugins: Plugins = None,
    device: Device = "auto",
) -> None:
    """Draw images with a generative system: modes of its clusters, an interpolation or a traversal.

    Each row is a category of the prior. With inference amortized, row and cluster have the same number;
    other inferences number their clusters in another way. For a per-pixel system each row is the layer
    that a cluster draws, and the last row shows images composed by label maps drawn from the prior. Of
    more than three channels those of data.display are shown.

    Examples:
        latentclust sample runs/digits-dls/20260101-120000-0 --out modes.png
        latentclust sample model.safetensors --interpolate 3 8 --out between.png
        latentclust sample model.safetensors --traverse 1 --out style.png
    """
    if interpolate is not None and traverse is not None:
        raise LatentclustError.at("--traverse", "cannot be combined with --interpolate", "Draw one figure at a time")
    if out.suffix.lower() != ".png":
        raise LatentclustError.at("--out", f"{out} is not a .png file", "End the name in .png")
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, print_lines, stderr_console, stdout_console

    with show_phases("loading the model"):
        import torch

        from latentclust.infer.sampling import interpolation, modes, traversal
        from latentclust.model.model_file import load
        from latentclust.train.devices import first_device

        loaded = load(model, first_device(device))
    rng, prior = torch.Generator().manual_seed(seed), loaded.resolved.prior
    if interpolate is not None:
        first, second = interpolate
        grid, title = interpolation(prior, first - 1, second - 1, per_cluster, rng), "interpolation between clusters"
    elif traverse is not None:
        grid, title = traversal(prior, traverse - 1, rng), f"traversal of style dimension {traverse}"
    else:
        grid, title = modes(prior, per_cluster, rng, loaded.model.networks), "modes"
        if not any(grid.rows):
            note = f"note: the prior {loaded.resolved.recipe.prior.use} has no categories, so rows are not clusters"
            print_lines(stderr_console(), [f"{note}: all images are draws of the prior"])
    with show_phases("drawing"):
        _draw(loaded, grid, f"{loaded.resolved.recipe.name}: {title}", out)
    stdout_console().print(f"wrote {display_path(out)}", soft_wrap=True)


def _draw(model: "ClusteringModel", grid: "LatentGrid", title: str, out: Path) -> None:
    """Write images as a grid, or vectors as one panel of profiles per row."""
    from latentclust.report.image_figures import image_grid, profiles
    from latentclust.report.plotting import save_figure

    drawn = _generated(model, grid)
    cells = model.shown(drawn.reshape(len(grid.rows), len(grid.columns), *drawn.shape[1:]).numpy())
    if drawn.ndim == 2:
        names = [label or f"row {number}" for number, label in enumerate(grid.rows, start=1)]
        save_figure(profiles(list(cells), names), out)
    else:
        rows = grid.rows if any(grid.rows) else ()
        columns = grid.columns if any(grid.columns) else ()
        save_figure(image_grid(cells, rows, columns, title), out)


def _generated(model: "ClusteringModel", grid: "LatentGrid") -> "torch.Tensor":
    """Return the images of a grid of latent variables, generated in batches."""
    import torch

    from latentclust.data.open_feed import map_batch
    from latentclust.tensors import Latent

    size = model.resolved.recipe.evaluate.batch_size
    if model.per_pixel:
        size = map_batch(size, *grid.latent.category.shape[2:])
    batches = zip(torch.split(grid.latent.category, size), torch.split(grid.latent.style, size), strict=True)
    return torch.cat([model.generate(Latent(category=category, style=style)) for category, style in batches])

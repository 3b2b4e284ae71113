"""The pictures of a row, drawn from its finished run."""

import shutil
from pathlib import Path

import numpy as np
import torch

from latentclust.data.roots import data_roots
from latentclust.evaluate.contingency import classes_for_figures
from latentclust.infer.sampling import LatentGrid, interpolation, modes, traversal
from latentclust.model.model import ClusteringModel
from latentclust.report.display_names import class_names, cluster_names
from latentclust.report.embedding import by_class, by_cluster, code_maps, subsample, tsne_maps
from latentclust.report.image_figures import image_grid, profiles
from latentclust.report.plotting import save_figure
from latentclust.runs.reevaluate import open_evaluation, open_splits
from latentclust.specs.data import ImageSet, SealedLabels
from paper_tables.training import Trained

ACROSS = 10
"""Number of samples of each category."""

TRAVERSED = 4
"""Number of style dimensions that are traversed."""


def draw(kind: str, trained: Trained, folder: Path, name: str) -> list[Path]:
    """Draw the pictures of a kind and return their files.

    Args:
        kind: `codes`, `samples`, `modes`, `interpolation`, `traversal` or `style`.
        trained: Finished run.
        folder: Folder of the pictures.
        name: First part of the names of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "samples":
        path = folder / f"{name}-samples.png"
        shutil.copyfile(trained.folder / "figures" / "samples.png", path)
        return [path]
    evaluation = open_evaluation(trained.folder, torch.device("cpu"))
    if kind in MAPS:
        return [_map(kind, evaluation.model, open_splits(evaluation, data_roots())[1], folder / f"{name}-{kind}.png")]
    prior, rng = evaluation.model.resolved.prior, torch.Generator().manual_seed(0)
    if kind == "modes":
        grids = {kind: modes(prior, ACROSS, rng)}
    elif kind == "interpolation":
        grids = {kind: interpolation(prior, 0, prior.categories - 1, ACROSS, rng)}
    else:
        dimensions = range(min(TRAVERSED, prior.style_dim))
        grids = {f"{kind}-{dimension + 1}": traversal(prior, dimension, rng) for dimension in dimensions}
    return [_grid(evaluation.model, grid, folder / f"{name}-{what}.png") for what, grid in grids.items()]


def _grid(model: ClusteringModel, grid: LatentGrid, path: Path) -> Path:
    drawn = model.generate(grid.latent).numpy()
    cells = drawn.reshape(len(grid.rows), len(grid.columns), *drawn.shape[1:])
    if drawn.ndim == 2:
        figure = profiles(list(cells), grid.rows)
    else:
        figure = image_grid(cells, grid.rows, grid.columns if any(grid.columns) else ())
    save_figure(figure, path)
    return path


def _map(kind: str, model: ClusteringModel, tested: ImageSet, path: Path) -> Path:
    """Draw t-SNE maps by cluster and by class."""
    shown = subsample(len(tested.source), 0)
    images = tested.source.read(shown)
    posterior = model.predict(images)
    groupings = [by_cluster(posterior.labels.numpy(), cluster_names(model.clusters))]
    if isinstance(tested.labels, SealedLabels):
        classes = classes_for_figures(tested.labels, shown)
        groupings.append(by_class(classes, class_names(tested.classes, int(classes.max()) + 1)))
    raw = images.reshape(len(images), -1).astype(np.float32)
    codes = {
        "codes": {"samples": raw, "code": torch.cat((posterior.probabilities, posterior.style), dim=1).numpy()},
        "style": {"samples": raw, "style": posterior.style.numpy()},
    }
    save_figure(code_maps(tsne_maps(codes[kind], 0), groupings), path)
    return path


MAPS = ("codes", "style")

"""Models whose inference is fitted to images, such as k-means on codes to the codes of the training set."""

from dataclasses import replace

import torch

from latentclust.assemble.experiment import Experiment
from latentclust.data.open_feed import map_batch
from latentclust.data.raster_windows import WindowSource
from latentclust.infer.posteriors import FittedImages, fit_inference
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSet
from latentclust.specs.inference import InferenceSpec


def trained_model(experiment: Experiment, device: torch.device, phases: Phases = SILENT) -> ClusteringModel:
    """Return the experiment's networks as a model whose inference is fitted to the training images."""
    source = experiment.data.source
    bands = source.windows.reading if isinstance(source, WindowSource) else None
    frozen = None if experiment.features is None else experiment.features.to(device)
    parts = experiment.networks
    unfitted = ClusteringModel(
        experiment.resolved, source.shape, parts, {}, device, bands=bands, features=frozen, fitted=experiment.fitted
    )
    return refit(unfitted, experiment.data, phases)


def refit(model: ClusteringModel, data: ImageSet, phases: Phases = SILENT) -> ClusteringModel:
    """Return the model with its inference fitted to `data`. The networks are shared and stay unchanged."""
    recipe = model.resolved.recipe
    rng = torch.Generator(model.device).manual_seed(recipe.seed)
    size = recipe.evaluate.batch_size
    if model.per_pixel:
        size = map_batch(size, *data.source.shape[1:])
    batches = FittedImages(data, model.preprocess, size, rng, model.stride)
    count = phases.begin("fitting the inference")
    told = replace(model.model, on_step=count.reach)
    return replace(model, state=fit_inference(model.inference, told, batches, rng))


def with_inference(model: ClusteringModel, inference: InferenceSpec) -> ClusteringModel:
    """Return the model with another inference, which is not fitted."""
    return replace(model, resolved=replace(model.resolved, inference=inference))

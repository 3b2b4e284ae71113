"""What an inference learns from images, learned anew."""

from dataclasses import replace

import torch

from latentclust.data.open_feed import map_batch
from latentclust.infer.posteriors import fit_inference, preprocessed
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import ImageSet


def refit(model: ClusteringModel, data: ImageSet) -> ClusteringModel:
    """The model with what its inference learns from `data`."""
    recipe = model.resolved.recipe
    rng = torch.Generator(model.device).manual_seed(recipe.seed)
    size = recipe.evaluate.batch_size
    if model.per_pixel:
        size = map_batch(size, *data.source.shape[1:])
    batches = preprocessed(data.source, model.preprocess, size, rng)
    return replace(model, state=fit_inference(model.inference, model.model, batches, rng, model.stride))

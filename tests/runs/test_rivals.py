"""Small runs of IIC and the conditional VAE, from recipe to model file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import latentclust
from latentclust.errors import LatentclustError
from latentclust.infer.sampling import modes
from latentclust.runs.run import FinishedRun

SMALL = ["train.rounds=3", "train.batch_size=20", "evaluate.tsne=false", "evaluate.baselines=[]"]
CVAE = {
    "schema": 1,
    "extends": "digits-cvae",
    "name": "small-cvae",
    "networks": {"encoder": {"hidden": [8]}, "generator": {"hidden": [8]}},
}
IIC = {
    "schema": 1,
    "extends": "digits-iic",
    "name": "small-iic",
    "networks": {"trunk": {"channels": [4], "dense": 8}},
}


def train(tables: dict[str, Any], folder: Path, *settings: str) -> FinishedRun:
    return latentclust.run(tables, [*SMALL, *settings], out=folder / "run", device="cpu")


@pytest.mark.parametrize("tables", [CVAE, IIC], ids=["cvae", "iic"])
def test_a_model_file_gives_the_posterior_of_the_run(tables: dict[str, Any], tmp_path: Path) -> None:
    finished = train(tables, tmp_path)
    model = latentclust.load(finished.folder)
    images = np.random.default_rng(0).integers(0, 256, (9, *model.raw_shape), dtype=np.uint8)
    first, again = model.predict(images), latentclust.load(finished.folder).predict(images, batch_size=2)
    torch.testing.assert_close(first.probabilities, again.probabilities)
    assert first.probabilities.shape == (9, 10)
    assert first.style.shape == (9, model.resolved.prior.style_dim)


def test_iic_keeps_the_sub_head_of_most_information_in_its_model_file(tmp_path: Path) -> None:
    state = latentclust.load(train(IIC, tmp_path).folder).state
    assert state["information"].shape == (10,)
    assert state["head"].item() == state["information"].argmax().item()


def test_a_conditional_vae_draws_its_clusters(tmp_path: Path) -> None:
    model = latentclust.load(train(CVAE, tmp_path).folder)
    drawn = model.generate(modes(model.resolved.prior, 4, torch.Generator().manual_seed(0)).latent)
    assert drawn.shape == (40, *model.raw_shape)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_the_error_for_a_vae_without_variance_names_the_missing_key(tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match=r"networks\.encoder\.log_variance: .* Set log_variance = true"):
        train(CVAE, tmp_path, "networks.encoder.log_variance=false")

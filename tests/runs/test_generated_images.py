"""What a generator of known behaviour draws, within a time, and what is not drawn."""

import base64
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from latentclust.assemble.resolve import Resolved
from latentclust.evaluate.protocol import Protocol
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.runs.generated_images import ACROSS, GAP, INTERPOLATED, LEAST_SIDE, generated_section
from latentclust.tensors import Images, Latent

CLUSTERS, SIDE = 4, 16


class Generator(nn.Module):
    """Even images whose grey is the number of the category, from 0 to 1, or another range."""

    def __init__(self, channels: int = 1, factor: float = 1.0) -> None:
        super().__init__()
        self.channels, self.factor = channels, factor

    def forward(self, latent: Latent) -> Images:
        grey = latent.category @ torch.linspace(0, self.factor, latent.category.shape[1])
        return Images(grey[:, None, None, None].expand(-1, self.channels, SIDE, SIDE))


@pytest.fixture
def make(tables: dict[str, Any], resolved: Callable[..., Resolved]) -> Callable[..., ClusteringModel]:
    def model(generator: nn.Module | None, *settings: str) -> ClusteringModel:
        networks = {} if generator is None else {"generator": generator}
        return ClusteringModel(resolved(tables, *settings), (1, SIDE, SIDE), networks, {})

    return model


@pytest.fixture
def facts() -> RunFacts:
    protocol = Protocol("tiny-all", "points", "all", "all", CLUSTERS)
    sizes = np.array([8, 7, 5, 0])
    return RunFacts("tiny", "", protocol, 3, "cpu", 1.0, {}, CLUSTERS, sizes, "the last round.")


def greys(uri: str) -> list[int]:
    """The grey in the middle of each image of a row."""
    row = np.array(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))
    return row[LEAST_SIDE // 2, LEAST_SIDE // 2 :: LEAST_SIDE + GAP].tolist()


def test_modes_interpolation_and_traversal(make: Callable[..., ClusteringModel], facts: RunFacts) -> None:
    section = generated_section(make(Generator(), "inference.use=amortized"), facts, seconds=60.0)
    assert section is not None
    modes, between, traversal = section.parts
    assert [row.title for row in modes.rows] == [f"cluster {number}" for number in range(1, CLUSTERS + 1)]
    for number, row in enumerate(modes.rows):
        assert greys(row.picture) == pytest.approx([255 * number / 3] * ACROSS, abs=4)
    assert modes.rows[1].alt == f"{ACROSS} drawn images of cluster 2"
    assert len(between.rows) == INTERPOLATED
    # The largest clusters have 8 and 7 samples.
    assert "cluster 1 on the left to cluster 2" in between.sentence
    assert np.diff(greys(between.rows[0].picture)).min() >= 0
    assert len(traversal.rows) == CLUSTERS
    assert section.note == ""


def test_values_outside_the_range_are_scaled_and_said_so(make: Callable[..., ClusteringModel], facts: RunFacts) -> None:
    section = generated_section(make(Generator(factor=-8.0), "inference.use=amortized"), facts, seconds=60.0)
    assert section is not None
    assert "scaled from the lowest to the highest" in section.note
    assert greys(section.parts[0].rows[0].picture)[0] == 255


def test_the_time_is_bounded(make: Callable[..., ClusteringModel], facts: RunFacts) -> None:
    section = generated_section(make(Generator()), facts, seconds=0.0)
    assert section is not None
    (modes,) = section.parts
    assert len(modes.rows) == 1
    assert modes.sentence.endswith(f" {CLUSTERS - 1} more rows are left out.")


def test_features_and_models_without_a_generator_are_not_drawn(
    make: Callable[..., ClusteringModel], facts: RunFacts
) -> None:
    assert generated_section(make(None), facts) is None
    assert generated_section(make(Generator(channels=7)), facts) is None

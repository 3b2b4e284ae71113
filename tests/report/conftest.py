"""A finished run in plain values: three clusters over two classes."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from latentclust.evaluate.match import hungarian
from latentclust.evaluate.protocol import Protocol
from latentclust.report.facts import RunFacts

MakeFacts = Callable[..., RunFacts]


@pytest.fixture
def make_facts() -> MakeFacts:
    """Facts of a labelled run, given its accuracy and its baselines."""

    def make(
        accuracy: float = 0.7, baselines: Mapping[str, Mapping[str, float]] | None = None, seed: int = 3
    ) -> RunFacts:
        table = np.array([[8, 0], [1, 6], [5, 0]], dtype=np.int64)
        return RunFacts(
            recipe="tiny",
            recipe_text='name = "tiny"\n',
            protocol=Protocol("tiny-all", "twenty points", "all", "all", 3),
            seed=seed,
            device="cpu",
            seconds=12.0,
            versions={"latentclust": "0.1.0"},
            clusters=3,
            occupancy=table.sum(axis=1),
            selection="the last round.",
            metrics={"accuracy": accuracy, "nmi": 0.5},
            baselines={"kmeans": {"accuracy": 0.7, "nmi": 0.5}} if baselines is None else baselines,
            table=table,
            matching=hungarian(table),
            classes=("cat", "dog|wolf"),
        )

    return make


@pytest.fixture
def unlabelled() -> RunFacts:
    """Facts of a run on data without labels."""
    return RunFacts(
        recipe="tiny",
        recipe_text='name = "tiny"\n',
        protocol=Protocol("tiny-all", "twenty points", "all", "all", 3),
        seed=3,
        device="cpu",
        seconds=12.0,
        versions={"latentclust": "0.1.0"},
        clusters=3,
        occupancy=np.array([8, 7, 5]),
        selection="the last round.",
    )

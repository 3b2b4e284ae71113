"""The planted model, in memory and in a file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import save_model
from tests.labelling.planted import planted_model


@pytest.fixture(scope="session")
def planted() -> ClusteringModel:
    """A model that sees two pixels far."""
    return planted_model()


@pytest.fixture(scope="session")
def model_file(planted: ClusteringModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(path, planted)
    return path


@pytest.fixture
def with_bands(planted: ClusteringModel) -> Callable[..., ClusteringModel]:
    """The planted model, trained on other bands."""

    def change(**changes: Any) -> ClusteringModel:
        assert planted.bands is not None
        return replace(planted, bands=replace(planted.bands, **changes))

    return change

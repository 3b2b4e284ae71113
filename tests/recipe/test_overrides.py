"""Overrides from Python are values of any nesting."""

from pathlib import Path

import numpy as np
import pytest

from latentclust.errors import LatentclustError
from latentclust.recipe.overrides import override_layers


def test_values_of_any_nesting_become_those_of_toml() -> None:
    values = {"a.b": {"c": (np.int64(1), [np.float32(0.5)]), "d": Path("e")}, "f": np.bool_(True)}
    (first, _), (second, _) = override_layers(values)
    assert first == {"a": {"b": {"c": [1, [0.5]], "d": "e"}}}
    assert second == {"f": True}
    assert type(first["a"]["b"]["c"][0]) is int


def test_a_value_that_toml_does_not_have_is_named() -> None:
    with pytest.raises(LatentclustError, match=r"^a\.b: None cannot be written in a recipe"):
        override_layers({"a.b": [None]})

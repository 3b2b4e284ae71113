"""Annotations of the package are checked in tests: types, fields of dataclasses, and shapes."""

import pytest
import torch
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import TypeCheckError

from latentclust.bundled.losses.invariant_information import log_joint
from latentclust.errors import Issue, did_you_mean


def test_wrong_types_are_refused() -> None:
    with pytest.raises(BeartypeCallHintViolation, match="name=3"):
        did_you_mean(3, [])
    with pytest.raises(BeartypeCallHintViolation, match="where=3"):
        Issue(3, "what", "fix")


def test_shapes_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(TypeCheckError, match="other"):
        log_joint(torch.rand(2, 1, 3), torch.rand(2, 1, 4))

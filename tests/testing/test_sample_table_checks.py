"""Checks of tables and starts fail for parts that violate them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NewType

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import (
    CentroidsSpec,
    Code,
    Extractor,
    ExtractorSpec,
    Images,
    LatentclustError,
    LossSpec,
    Model,
    Scalar,
    Shape,
    StartSpec,
    TableSpec,
)
from latentclust.testing import sample_table_checks
from latentclust.testing.binding import bound_loss
from latentclust.testing.check_table import checks_of
from latentclust.testing.small_networks import DenseBody

Targets = NewType("Targets", Tensor)


class Sizes(TableSpec):
    """The mean of each sample; a good table, for others to spoil."""

    provides: ClassVar[Any] = Targets

    @property
    def needs(self) -> tuple[str, ...]:
        return ("encoder",)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return torch.cat([model.networks["encoder"](images).style.flatten(1) for images in batches])


class First(Sizes):
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return super().compute(model, batches, rng)[1:]


class Infinite(Sizes):
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return super().compute(model, batches, rng) / 0


class Counted(Sizes):
    of_samples: ClassVar[bool] = True

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return 1 + torch.arange(len(super().compute(model, batches, rng)))[:, None]


class Floats(Counted):
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return super().compute(model, batches, rng).float()


class Silent(Sizes):
    @property
    def needs(self) -> tuple[str, ...]:
        return ()


class Tossing(Sizes):
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        return torch.rand_like(super().compute(model, batches, rng))


class Moving(Sizes):
    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        found = super().compute(model, batches, rng)
        nn.init.ones_(next(model.networks["encoder"].parameters()))
        return found


class Zeros(StartSpec):
    """A weight of the encoder; a good start, for others to spoil."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("encoder",)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        name, weight = next(iter(model.networks["encoder"].state_dict().items()))
        return {f"encoder.{name}": torch.zeros_like(weight)}


class Nameless(Zeros):
    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        return {"encoder.nothing": torch.zeros(2)}


class Misshapen(Zeros):
    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        return {name: weight[None] for name, weight in super().weights(model, batches, rng).items()}


@pytest.mark.parametrize(
    ("check", "kind", "value", "reason"),
    [
        (sample_table_checks.has_one_row_per_sample, "table", First, "it has 17 rows for 18 samples"),
        (sample_table_checks.has_one_row_per_sample, "table", Infinite, "one of its values is not finite"),
        (sample_table_checks.has_one_row_per_sample, "table", Counted, "its indices are not those of 18 samples"),
        (sample_table_checks.has_one_row_per_sample, "table", Floats, "and not int64 (n, m)"),
        (sample_table_checks.declares_the_networks_it_reads, "table", Silent, "it reads the network 'encoder'"),
        (
            sample_table_checks.is_deterministic_for_a_generator,
            "table",
            Tossing,
            "it draws from the global generator of torch",
        ),
        (sample_table_checks.does_not_change_weights, "table", Moving, "it changes encoder."),
        (
            sample_table_checks.gives_weights_of_networks,
            "start",
            Nameless,
            "no network has weights named 'encoder.nothing'",
        ),
        (sample_table_checks.gives_weights_of_networks, "start", Misshapen, "expected (8, 8)"),
    ],
)
def test_a_wrong_table_or_start(check, kind: str, value, reason: str, caught):
    assert reason in caught(check, kind, value)


class Towards(LossSpec):
    """The distance from a row of the distribution's own table."""

    def __call__(self, code_of_real: Code, target: Targets) -> Scalar:
        return Scalar((code_of_real.style.flatten(1).float() - target).square().mean())


def test_a_loss_is_given_the_rows_of_the_distributions_own_table(subject):
    (first, *_) = bound_loss(subject("loss", Towards, others={("table", "sizes"): Sizes}))
    assert first.values["target"].shape == (6, 5)


class Rows(nn.Module):
    """Products with a table of rows, whose name no other network has."""

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(clusters, width))

    def forward(self, features: Tensor) -> Tensor:
        return (features.movedim(1, -1) @ self.rows.T).movedim(-1, 1)


class OwnRows(CentroidsSpec):
    """Rows."""

    def centroids(self, clusters: int, width: int) -> nn.Module:
        return Rows(clusters, width)


class OwnStart(StartSpec):
    """Zeros for the rows of its own distribution's backbone."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("centroids",)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        return {"centroids.body.rows": torch.zeros_like(model.networks["centroids"].get_parameter("body.rows"))}


def test_a_start_can_set_the_backbone_of_its_own_distribution(subject):
    part = subject("start", OwnStart, others={("backbone", "rows"): OwnRows})
    for check in checks_of(part.part):
        if check.__module__ == sample_table_checks.__name__:
            check(part)


class OnlyLarge(ExtractorSpec):
    """A backbone that reads images of 28x28 pixels alone, with a layer whose name no other has."""

    def extractor(self, shape: Shape) -> Extractor:
        if shape != (1, 28, 28):
            raise LatentclustError.at("shape", f"cannot read {shape}", "Use images of 28x28 pixels")
        body = DenseBody(shape)
        body.own = nn.Parameter(torch.ones(1))  # type: ignore[assignment]
        return body


class LargeStart(Zeros):
    """The weights of that backbone."""

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        return {"encoder.body.own": torch.zeros(1)}


class Never(Zeros):
    """A start that refuses all samples."""

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        raise LatentclustError.at("start", f"dislikes {len(list(batches))} batches", "Use others")


def test_a_start_of_a_backbone_of_large_images_gets_them(subject):
    part = subject("start", LargeStart, others={("backbone", "only-large"): OnlyLarge})
    sample_table_checks.gives_weights_of_networks(part)
    sample_table_checks.does_not_change_weights(part)


def test_what_a_start_that_refuses_everything_says_is_shown(caught):
    told = caught(sample_table_checks.gives_weights_of_networks, "start", Never)
    assert told == "it rejects every variant of batches: start: dislikes 3 batches. Use others"

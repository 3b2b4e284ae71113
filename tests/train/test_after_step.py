"""Losses that change networks after a step: the queue of MoCo, and prototypes of unit length as in SwAV."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from latentclust.api import Centroids, CentroidsSpec, Code, Encoder, Images, LatentclustError, LossSpec, Scalar, Vectors
from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.feed import Batch
from latentclust.plugins.discovery import Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.testing import centroid_checks, loss_checks
from latentclust.testing.check_table import checks_of
from latentclust.testing.subject import CheckedPart, CheckFailed
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

SIZE = 48
"""Keys in the queue; a batch has 16."""

Tables = dict[str, Any]


class Queue(CentroidsSpec):
    """Keys of earlier batches, the oldest of which are replaced (He et al. 2020)."""

    size: int = SIZE

    def count(self, clusters: int) -> int:
        return self.size

    def centroids(self, clusters: int, width: int) -> nn.Module:
        return Keys(self.size, width)


class Keys(nn.Module):
    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("keys", normalize(torch.randn(size, width), dim=1))
        self.register_buffer("next", torch.zeros((), dtype=torch.int64))

    def forward(self, queries: Float[Tensor, "b d *s"]) -> Float[Tensor, "b n *s"]:
        return torch.einsum("nd,bd...->bn...", self.keys, normalize(queries, dim=1))


class Contrast(LossSpec):
    """Cross-entropy of a query's own key among those of the queue, which then takes the keys of the batch."""

    def __call__(self, code_of_view: Code, code_of_teacher: Code, queue: Centroids) -> Scalar:
        query, key = code_of_view.vector(), code_of_teacher.vector().detach()
        own = (normalize(query, dim=1) * normalize(key, dim=1)).sum(dim=1, keepdim=True)
        logits = torch.cat((own, queue(Vectors(query))), dim=1) / 0.2
        return Scalar(cross_entropy(logits, torch.zeros(len(query), dtype=torch.int64)))

    def after_step(self, code_of_teacher: Code, queue: Centroids) -> None:
        assert isinstance(queue, nn.Module)
        keys, place = queue.get_buffer("body.keys"), queue.get_buffer("body.next")
        new = normalize(code_of_teacher.vector(), dim=1)
        keys.index_copy_(0, (place + torch.arange(len(new))) % len(keys), new)
        place.add_(len(new)).remainder_(len(keys))


class Prototypes(LossSpec):
    """Cross-entropy of the encoder's logits and their own argmax; the rows of the head then have unit length."""

    def __call__(self, code_of_real: Code) -> Scalar:
        return Scalar(cross_entropy(code_of_real.logits, code_of_real.logits.argmax(dim=1)))

    def after_step(self, encoder: Any) -> None:
        encoder.head.weight.copy_(normalize(encoder.head.weight, dim=1))


def code_of_teacher(momentum_encoder: Encoder, images: Images) -> Code:
    return momentum_encoder(images)


@pytest.fixture
def registry() -> Registry:
    provider = Provider("moco", "1", "moco")
    parts = {
        "provide_backbones": {"queue": Queue},
        "provide_losses": {"contrast": Contrast, "prototypes": Prototypes},
    }
    own = tuple(ProvidedParts(provider, hook, given) for hook, given in parts.items())
    return Registry(Discovery((*discover().provisions, *own), ()))


@pytest.fixture
def moco(tables: Tables) -> Tables:
    """The small recipe with a teacher and a queue of its codes."""
    tables["networks"]["teacher"] = {"use": "mlp", "hidden": [8], "role": "encoder", "follows": "encoder"}
    tables["networks"]["queue"] = {"use": "queue", "role": "centroids", "reads": "latent", "frozen": True}
    tables["views"] = {"view": {"use": "point-affine"}}
    tables["quantities"] = {"code_of_teacher": {"use": "code_of_real", "on": {"encoder": "teacher"}}}
    tables["losses"]["contrast"] = {"use": "contrast", "player": "generator"}
    tables["train"] |= {"batch_size": 16, "rounds": 7}
    return tables


Prepare = Callable[..., Training]


@pytest.fixture
def prepared(moco: Tables, registry: Registry, tmp_path: Path) -> Prepare:
    def make(*settings: str, folder: str = "") -> Training:
        resolved: Resolved = resolve(load_recipe(moco, registry, settings), registry)
        return prepare_training(assemble(resolved, ()), make_fabric("cpu", 1), tmp_path / folder)

    return make


def watched(training: Training) -> Iterator[tuple[Batch, Tensor]]:
    """Yields the batch of each step of the player, and the teacher's normalised codes of it before the step."""
    seen: list[tuple[Batch, Tensor]] = []
    player, networks = training.state.players["generator"], training.state.networks
    step = player.step

    def keep(batch: Batch) -> None:
        with torch.no_grad():
            teacher = networks["teacher"].eval()
            seen.append((batch, normalize(teacher(Images(batch.raw)).vector(), dim=1)))
            teacher.train()
        step(batch)

    player.step = keep  # type: ignore[method-assign]
    training.run()
    return iter(seen)


def test_the_queue_holds_the_keys_of_the_last_steps(prepared: Prepare) -> None:
    training = prepared()
    first = training.state.networks["queue"].get_buffer("body.keys").clone()
    keys = torch.cat([keys for _, keys in watched(training)])
    found = training.state.networks["queue"].get_buffer("body.keys")
    place = int(training.state.networks["queue"].get_buffer("body.next"))
    assert len(keys) % SIZE == place
    torch.testing.assert_close(found.roll(-place, 0), keys[-SIZE:])
    assert not torch.equal(found, first)
    assert found.grad_fn is None


def test_a_resumed_run_has_the_same_queue(prepared: Prepare) -> None:
    whole, half = prepared(folder="whole"), prepared(folder="half")
    whole.run()
    played = count(1)
    half.callbacks.should_stop = lambda: next(played) >= 3
    with pytest.raises(LatentclustError, match="stopped after round 3"):
        half.run()
    again = prepared(folder="half")
    again.run(resume=True)
    states = (made.state.networks.state_dict() for made in (whole, again))
    assert all(torch.equal(one, other) for one, other in zip(*(state.values() for state in states), strict=True))


def test_prototypes_have_unit_length_after_each_step(prepared: Prepare) -> None:
    training = prepared("losses.prototypes={use='prototypes', player='generator'}")
    training.run()
    rows = training.state.networks["encoder"].head.weight
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))


def test_a_network_that_changes_after_steps_keeps_its_weights_in_bf16(prepared: Prepare) -> None:
    training = prepared("train.precision='bf16'")
    player = training.state.players["generator"]
    assert training.state.networks["queue"] not in training._unmoved(player)
    assert player.plan.after == {"code_of_teacher", "queue"}


def test_parameters_of_after_step_are_checked_and_bound(moco: Tables, registry: Registry) -> None:
    moco["losses"]["contrast"]["on"] = {"code_of_teacher": "code_of_fake"}
    plan = resolve(load_recipe(moco, registry), registry).plans["generator"]
    term = next(term for term in plan.terms if term.name == "contrast")
    assert term.after == ("code_of_fake", "queue")
    moco["losses"]["contrast"]["on"] = {"code_of_teacher": "fake"}
    with pytest.raises(LatentclustError, match=r"losses\.contrast\.on\.code_of_teacher: the loss expects Code, but"):
        resolve(load_recipe(moco, registry), registry)


def test_what_processes_do_not_share_is_refused(moco: Tables, registry: Registry) -> None:
    with pytest.raises(LatentclustError, match=r"losses\.contrast: changes networks after a step, which processes"):
        resolve(load_recipe(moco, registry, ("train.devices=2",)), registry)


class Failing(Prototypes):
    def after_step(self, encoder: Any) -> None:
        raise ValueError("no room")


def test_an_error_names_the_loss(moco: Tables, registry: Registry, tmp_path: Path) -> None:
    given = ProvidedParts(Provider("x", "1", "x"), "provide_losses", {"bad": Failing})
    registry = Registry(Discovery((*discover().provisions, given), ()))
    moco["losses"]["bad"] = {"use": "bad", "player": "generator"}
    del moco["losses"]["contrast"], moco["networks"]["queue"]
    resolved = resolve(load_recipe(moco, registry), registry)
    with pytest.raises(ValueError, match="no room") as caught:
        prepare_training(assemble(resolved, ()), make_fabric("cpu", 1), tmp_path).run()
    assert caught.value.__notes__ == ["while computing 'bad' of player 'generator', after a step"]


class Careless(Prototypes):
    """Changes the codes of the step instead of a network."""

    def after_step(self, code_of_real: Code) -> None:
        code_of_real.logits.zero_()


class Exploding(Prototypes):
    def after_step(self, encoder: Any) -> None:
        encoder.head.weight.fill_(torch.inf)


def checked(loss: type[LossSpec], *others: ProvidedParts) -> CheckedPart:
    """A loss of a distribution with other parts."""
    given = ProvidedParts(Provider("wrong", "1", "wrong"), "provide_losses", {"wrong": loss})
    registry = Registry(Discovery((*discover().provisions, given, *others), ()))
    (part,) = (part for part in registry.parts("loss") if part.name == "wrong")
    return CheckedPart(part, registry)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (Careless, "after_step changes a value of the step, code_of_real"),
        (Exploding, "after_step leaves a network that is not finite"),
    ],
)
def test_the_kit_finds_a_wrong_after_step(loss: type[LossSpec], said: str) -> None:
    with pytest.raises(CheckFailed, match=said):
        loss_checks.changes_networks_alone_after_a_step(checked(loss))


def test_a_queue_passes_the_kit() -> None:
    queue = ProvidedParts(Provider("wrong", "1", "wrong"), "provide_backbones", {"queue": Queue})
    quantities = ProvidedParts(
        Provider("wrong", "1", "wrong"), "provide_quantities", {"code_of_teacher": code_of_teacher}
    )
    subject = checked(Contrast, queue, quantities)
    checks = [check for check in checks_of(subject.part) if check.__module__ == loss_checks.__name__]
    assert loss_checks.changes_networks_alone_after_a_step in checks
    for check in checks:
        check(subject)
    (part,) = (part for part in subject.registry.parts("backbone") if part.name == "queue")
    for check in checks_of(part):
        if check.__module__ == centroid_checks.__name__:
            check(CheckedPart(part, subject.registry))

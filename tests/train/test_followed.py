"""Networks that follow others: moving averages after each step of a player."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError
from latentclust.recipe.schema import NetworkTable
from latentclust.train.fabric import make_fabric
from latentclust.train.followed import copy_changed
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

Tables = dict[str, Any]
Resolve = Callable[..., Resolved]
FindIssues = Callable[..., tuple[Issue, ...]]


@pytest.fixture
def student(tables: Tables) -> Tables:
    """The small recipe with a teacher, whose code of the images is the target of the view's."""
    tables["networks"]["teacher"] = {"use": "mlp", "hidden": [8], "role": "encoder", "follows": "encoder"}
    tables["networks"]["teacher"]["decay"] = 0.75
    tables["views"] = {"view": {"use": "point-affine"}}
    tables["quantities"] = {"code_of_teacher": {"use": "code_of_real", "on": {"encoder": "teacher"}}}
    tables["losses"]["teach"] = {"use": "augmentation-invariance", "player": "generator"}
    tables["losses"]["teach"]["on"] = {"code_of_real": "code_of_teacher"}
    return tables


def prepared(resolved: Resolved, folder: Path) -> Training:
    return prepare_training(assemble(resolved, ()), make_fabric("cpu", 1), folder)


def weights(training: Training, name: str) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in training.state.networks[name].parameters()]


def test_it_begins_as_a_copy_and_averages(student: Tables, resolved: Resolve, tmp_path: Path) -> None:
    training = prepared(resolved(student, "train.rounds=1"), tmp_path)
    first = weights(training, "encoder")
    assert all(map(torch.equal, first, weights(training, "teacher")))
    training.run()
    moved, teacher = weights(training, "encoder"), weights(training, "teacher")
    assert not torch.equal(first[0], moved[0])
    for begin, end, mean in zip(first, moved, teacher, strict=True):
        torch.testing.assert_close(mean, 0.75 * begin + 0.25 * end)


def test_a_decay_of_one_never_moves_and_of_zero_is_the_network(
    student: Tables, resolved: Resolve, tmp_path: Path
) -> None:
    for decay, like in ((1.0, "first"), (0.0, "last")):
        training = prepared(resolved(student, f"networks.teacher.decay={decay}"), tmp_path / like)
        first = weights(training, "encoder")
        training.run()
        expected = first if like == "first" else weights(training, "encoder")
        assert all(map(torch.equal, weights(training, "teacher"), expected))


def test_a_resumed_run_is_the_same(student: Tables, resolved: Resolve, tmp_path: Path) -> None:
    whole = prepared(resolved(student), tmp_path / "whole")
    whole.run()
    half = prepared(resolved(student, "train.checkpoint_every=2"), tmp_path / "half")
    stop = iter((False, True))
    half.callbacks.should_stop = lambda: next(stop)
    with pytest.raises(LatentclustError, match="stopped after round 2"):
        half.run()
    again = prepared(resolved(student, "train.checkpoint_every=2"), tmp_path / "half")
    again.run(resume=True)
    assert all(map(torch.equal, weights(whole, "teacher"), weights(again, "teacher")))


def test_it_has_no_gradients(student: Tables, resolved: Resolve, tmp_path: Path) -> None:
    training = prepared(resolved(student), tmp_path)
    training.run()
    assert all(p.grad is None and not p.requires_grad for p in training.state.networks["teacher"].parameters())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("follows", "teacher", "'teacher' is not another network"),
        ("follows", "encodr", "'encodr' is not another network"),
        ("follows", "generator", "has the role 'generator', and 'teacher' 'encoder'"),
        ("decay", 1.5, "less than or equal to 1"),
    ],
)
def test_invalid_followers_are_issues(student: Tables, issues: FindIssues, key: str, value: Any, said: str) -> None:
    student["networks"]["teacher"][key] = value
    assert said in " ".join(map(str, issues(student)))


def test_a_follower_that_a_player_trains_is_an_issue(student: Tables, issues: FindIssues) -> None:
    student["players"]["generator"]["networks"] = ["generator", "encoder", "teacher"]
    assert "'teacher' follows 'encoder'" in " ".join(map(str, issues(student)))


def test_other_sizes_are_named(student: Tables, resolved: Resolve) -> None:
    student["networks"]["teacher"]["hidden"] = [9]
    with pytest.raises(LatentclustError, match=r"networks\.teacher\.follows: the weights of 'teacher' and 'encoder'"):
        assemble(resolved(student), ())


def test_a_start_resets_the_followers_of_the_networks_that_it_changes() -> None:
    names = ("trunk", "teacher", "heads", "old_heads")
    networks = nn.ModuleDict({name: nn.Linear(1, 1) for name in names})
    followed = {"teacher": "trunk", "old_heads": "heads"}
    tables = {name: NetworkTable(use="mlp", follows=followed.get(name)) for name in names}
    before = {name: network.weight.item() for name, network in networks.items()}
    copy_changed(networks, tables, {"trunk"})
    assert networks["teacher"].weight.item() == before["trunk"]
    assert networks["old_heads"].weight.item() == before["old_heads"]
    copy_changed(networks, tables, {"heads", "old_heads"})  # the start has set both
    assert networks["old_heads"].weight.item() == before["old_heads"]

"""Views that are like others, and views of samples drawn from a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

Tables = dict[str, Any]
FindIssues = Callable[..., tuple[Issue, ...]]


@pytest.fixture
def scan(tables: Tables) -> Tables:
    """The small recipe with a view, a second draw of it, and a view of a neighbour; each has a loss."""
    tables["tables"] = {"near": {"use": "nearest-neighbours", "count": 3}}
    tables["views"] = {"view": {"use": "point-affine"}, "second": {"like": "view"}}
    tables["views"]["neighbour"] = {"like": "view", "of": "near_images"}
    for name in ("second", "neighbour"):
        tables["quantities"] = tables.get("quantities", {}) | {
            f"code_of_{name}": {"use": "code_of_view", "on": {"view": name}}
        }
        on = {"code_of_real": "code_of_view", "code_of_view": f"code_of_{name}"}
        tables["losses"][name] = {"use": "augmentation-invariance", "player": "generator", "on": on}
    return tables


def prepared(resolved: Resolved, folder: Path) -> Training:
    training = prepare_training(assemble(resolved, ()), make_fabric("cpu", 1), folder)
    training.state.memory_bank.refresh(1, training.stages[0])
    return training


def read(training: Training, batch: Any) -> dict[str, Tensor]:
    """The views of the generator's step for a batch, by name."""
    player = training.state.players["generator"]
    names = {place: name for name, place in player._place.items()}
    return {names[place]: function(batch) for function, place, _ in player._inputs}


def test_a_second_view_is_another_draw_of_the_same_augmentation(
    scan: Tables, resolved: Callable[..., Resolved], tmp_path: Path
) -> None:
    found = resolved(scan)
    assert found.views["second"] == found.views["view"]
    training = prepared(found, tmp_path)
    values: dict[str, Any] = read(training, training.state.feed.next())
    assert not torch.equal(values["view"].images, values["second"].images)


def test_a_view_of_neighbours_augments_samples_of_the_rows(
    scan: Tables, resolved: Callable[..., Resolved], tmp_path: Path
) -> None:
    scan["views"]["view"] = {"steps": [{"use": "flip", "probability": 0.0}]}
    training = prepared(resolved(scan, "data.use=digits", "data.size=8"), tmp_path)
    batch = training.state.feed.next()
    values: dict[str, Any] = read(training, batch)
    drawn = values["neighbour"].images
    rows = training.state.memory_bank.rows["near"][batch.index]
    source = torch.cat(list(training.state.memory_bank.dataset.training_images))
    found = (source[rows] - drawn[:, None]).abs().flatten(2).amax(dim=2) < 1e-6
    assert found.any(dim=1).all()
    assert not torch.equal(drawn, values["view"].images)


def test_the_table_is_computed_for_the_view_alone(
    scan: Tables, resolved: Callable[..., Resolved], tmp_path: Path
) -> None:
    training = prepared(resolved(scan), tmp_path)
    assert "near" in training.state.memory_bank.rows
    assert not {"near", "near_images"} & set(training.state.players["generator"].plan.given)
    for player in training.state.players.values():
        assert all(np.isfinite(term.item()) for term in player.terms(training.state.feed.next()))


@pytest.mark.parametrize(
    ("view", "where", "said"),
    [
        ({"like": "veiw"}, "views.other.like", "'veiw' is not a view with augmentations of its own"),
        ({"like": "second"}, "views.other.like", "'second' is not a view"),
        ({"like": "view", "of": "far_images"}, "views.other.of", "'far_images' is not the images of a table"),
        ({"like": "view", "use": "point-affine"}, "views.other", "one of `use`"),
        ({"like": "view", "scale": [1.0, 1.0]}, "views.other", "options must be inside"),
    ],
)
def test_invalid_views_are_issues(scan: Tables, issues: FindIssues, view: Tables, where: str, said: str) -> None:
    scan["views"]["other"] = view
    found = issues(scan)
    assert where in [issue.where for issue in found]
    assert said in " ".join(map(str, found))

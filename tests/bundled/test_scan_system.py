"""The stages of SCAN: which losses they have, and which weights they move."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentclust.testing import load_resolved_recipe, start_training
from latentclust.train.events import Record

RECIPE: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "extends": "scan@1",
    "data": {"use": "synthetic", "per_cluster": 10},
    "views": {"view": {"steps": [{"use": "point-affine"}]}},
    "prior": {"clusters": 4},
    "networks": {
        "trunk": {"use": "mlp", "hidden": [8]},
        "projector": {"hidden": [8, 4], "norm": "none"},
        "heads": {"heads": 3},
    },
    "tables": {"neighbour": {"count": 3}},
    "stages": {"pretext": {"rounds": 2}, "clustering": {"rounds": 2}, "self-labelling": {"rounds": 2}},
    "train": {"rounds": 6, "batch_size": 8, "log_every": 1},
}


def test_each_stage_has_its_losses_and_its_player() -> None:
    stages = {stage.name: stage.plans for stage in load_resolved_recipe(RECIPE, ()).stages}
    found = {
        name: {player: [term.name for term in plan.terms] for player, plan in stages[name].items()} for name in stages
    }
    assert found == {
        "pretext": {"pretext": ["contrastive"]},
        "clustering": {"clustering": ["consistency", "entropy"]},
        "self-labelling": {"self-labelling": ["self-labelling", "label-entropy"]},
    }


def test_two_views_of_the_batch_and_one_of_the_neighbours_are_read() -> None:
    stages = {stage.name: stage.plans for stage in load_resolved_recipe(RECIPE, ()).stages}
    assert {"view", "second"} <= set(stages["pretext"]["pretext"].given)
    assert {"view", "neighbour_view"} <= set(stages["clustering"]["clustering"].given)
    assert "neighbour_view" not in stages["self-labelling"]["self-labelling"].given


def test_the_trunk_is_held_while_sub_heads_are_trained_and_all_go_on_with_the_best(tmp_path: Path) -> None:
    weights: dict[int, dict[str, Tensor]] = {}

    def keep(record: Record) -> None:
        networks = training.state.networks
        weights[record.round] = {
            name: torch.cat([value.detach().clone().flatten() for value in network.parameters()])
            for name, network in networks.items()
        }

    training = start_training(RECIPE, tmp_path, on_record=keep)
    training.run()
    moved = {
        round_: {name for name in weights[1] if not torch.equal(weights[round_][name], weights[round_ - 1][name])}
        for round_ in range(2, 7)
    }
    assert moved == {
        2: {"trunk", "projector"},
        3: {"heads"},
        4: {"heads"},
        5: {"trunk", "heads"},
        6: {"trunk", "heads"},
    }
    head = training.state.networks["heads"].head.weight.view(3, 4, 8)
    torch.testing.assert_close(head, head[:1].expand_as(head))

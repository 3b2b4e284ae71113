"""The state of a training, and checkpoints: one safetensors file with all that an exact resumption needs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from latentclust.data.feed import Feed
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.train.chains import Chains
from latentclust.train.cluster_watch import ClusterWatch
from latentclust.train.loss_window import LossWindow
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.precision import TrainingPrecision
from latentclust.train.selection import Selection
from latentclust.train.step import Player

FORMAT = 1
NAME = "checkpoint.safetensors"
"""File name of the checkpoint in a run folder."""


@dataclass(slots=True)
class TrainingState:
    """The state that a training changes and a checkpoint holds.

    Attributes:
        networks: All networks by name, trained or frozen.
        players_by_stage: Players of each stage by name, in the order of their steps.
        feed: Supply of training batches.
        selection: Best weights so far.
        chains: Chains of the inference, or None if it has none.
        memory_bank: Sample tables of the recipe.
        precision: Precision of the networks' computations.
        watch: Count of the clusters of training images. None if no step has a value to count.
        stage_index: Index of the current stage.
    """

    networks: nn.ModuleDict
    players_by_stage: tuple[dict[str, Player], ...]
    feed: Feed
    selection: Selection
    chains: Chains | None
    memory_bank: MemoryBank
    precision: TrainingPrecision
    watch: ClusterWatch | None = None
    stage_index: int = 0

    @property
    def players(self) -> dict[str, Player]:
        """Players of the current stage."""
        return self.players_by_stage[self.stage_index]


def write_checkpoint(path: Path, round_: int, state: TrainingState, window: LossWindow | None = None) -> None:
    """Write a checkpoint atomically: a reader sees the old file or the new one, never a part.

    Args:
        path: File of the checkpoint.
        round_: Number of rounds finished.
        state: State of the training.
        window: Means that compare the start with others, up to the decision between them.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(state).items()}
    header = _header(round_, state) | ({} if window is None else {"window": window.state()})
    write_atomic(path, save(contiguous, {"latentclust": json.dumps(header)}))


def _tensors(state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"networks/{name}": tensor for name, tensor in state.networks.state_dict().items()}
    tensors |= {f"selected/{name}": tensor for name, tensor in state.selection.weights.items()}
    if state.chains is not None:
        tensors |= {f"chains/{name}": tensor for name, tensor in state.chains.state.items()}
        tensors |= {f"diagnostics/{name}": tensor for name, tensor in state.chains.sums.items()}
    tensors |= {f"tables/{name}": tensor for name, tensor in state.memory_bank.rows.items()}
    if state.watch is not None:
        tensors["clusters"] = state.watch.sums
    for name, player in state.players.items():
        tensors[f"sums/{name}"] = player.sums
        for index, moments in player.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers/{name}/{index}/{key}": item for key, item in moments.items() if item is not None}
    return tensors


def _header(round_: int, state: TrainingState) -> dict[str, Any]:
    selection = state.selection
    score = selection.score if selection.weights else None
    return {
        "format": FORMAT,
        "round": round_,
        "precision": state.precision.record(),
        "feed": state.feed.state(),
        "selection": [score, selection.round, selection.total, selection.last_round],
        "counts": {name: player.count for name, player in state.players.items()},
        "diagnosed": state.chains.count if state.chains else 0,
        "scalers": {name: player.scaler.state_dict() for name, player in state.players.items()},
    }


def read_round(path: Path) -> int:
    """Return the round of a checkpoint. Raise LatentclustError if the file is missing or damaged."""
    with _open(path) as (header, _):
        return int(header["round"])


def read_checkpoint(path: Path, state: TrainingState, window: LossWindow | None = None) -> int:
    """Restore a training from a checkpoint and return its round; `stage_index` must be that of the round.

    A window of another decision than the checkpoint's stays empty.

    Raises:
        LatentclustError: If the file is missing, damaged, or belongs to another recipe.
    """
    with _open(path) as (header, file):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    try:
        state.networks.load_state_dict(_with_prefix(tensors, "networks/"))
        for name, player in state.players.items():
            _restore_optimizer(player.optimizer, _with_prefix(tensors, f"optimizers/{name}/"))
            player.scaler.load_state_dict(header["scalers"][name])
            player.sums.copy_(tensors[f"sums/{name}"])
            player.count = int(header["counts"][name])
        state.feed.restore(header["feed"])
        if state.chains is not None:
            _restore_chains(state.chains, tensors, header["diagnosed"])
        state.memory_bank.restore(_with_prefix(tensors, "tables/"))
        state.precision.restore(header.get("precision"))
        if state.watch is not None and "clusters" in tensors:
            state.watch.sums = tensors["clusters"].to(state.watch.sums.device)
    except (KeyError, RuntimeError, ValueError) as error:
        fix = "Resume with the recipe that the run was started with"
        raise LatentclustError.at(str(path), f"does not match this recipe ({error})", fix) from error
    if window is not None:
        window.restore(header.get("window"))
    _restore_selection(state.selection, header["selection"], _with_prefix(tensors, "selected/"))
    return int(header["round"])


@contextmanager
def _open(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the header of a checkpoint, and the open file to read its tensors from."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["latentclust"])
            if header["format"] != FORMAT:
                raise ValueError(f"expected format {FORMAT}, got {header['format']}")
            yield header, file
    except FileNotFoundError as error:
        fix = "Use the folder of a run that was stopped after its first checkpoint"
        raise LatentclustError.at(str(path), "the checkpoint does not exist", fix) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        what = f"is not a readable checkpoint ({error})"
        raise LatentclustError.at(str(path), what, "Start the run again without --resume") from error


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _restore_chains(chains: Chains, tensors: dict[str, Tensor], count: int) -> None:
    state = _with_prefix(tensors, "chains/")
    if not state:
        raise KeyError("chains")
    chains.restore(state)
    device = chains.rng.device
    chains.sums = {name: tensor.to(device) for name, tensor in _with_prefix(tensors, "diagnostics/").items()}
    chains.count = count


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _restore_selection(selection: Selection, header: list[Any], weights: dict[str, Tensor]) -> None:
    score, selection.round, selection.total, selection.last_round = header
    selection.weights = weights
    if score is not None:
        selection.score = score

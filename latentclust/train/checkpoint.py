"""Checkpoints: everything that a killed run needs to go on to the same bits, in one safetensors file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
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
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.selection import Selection
from latentclust.train.step import Player

FORMAT = 1
NAME = "checkpoint.safetensors"


def write_checkpoint(
    path: Path,
    round_: int,
    networks: nn.ModuleDict,
    players: dict[str, Player],
    feed: Feed,
    selection: Selection,
    chains: Chains | None = None,
    tables: MemoryBank | None = None,
) -> None:
    """Writes a checkpoint in one step: a reader sees the old one or the new one, never a part."""
    tensors = {f"networks/{name}": tensor for name, tensor in networks.state_dict().items()}
    tensors |= {f"selected/{name}": tensor for name, tensor in selection.weights.items()}
    if chains is not None:
        tensors |= {f"chains/{name}": tensor for name, tensor in chains.state.items()}
        tensors |= {f"diagnostics/{name}": tensor for name, tensor in chains.sums.items()}
    if tables is not None:
        tensors |= {f"tables/{name}": tensor for name, tensor in tables.rows.items()}
    header: dict[str, Any] = {
        "format": FORMAT,
        "round": round_,
        "feed": feed.state(),
        "selection": [
            selection.score if selection.weights else None,
            selection.round,
            selection.total,
            selection.last_round,
        ],
        "counts": {name: player.count for name, player in players.items()},
        "diagnosed": chains.count if chains else 0,
        "scalers": {name: player.scaler.state_dict() for name, player in players.items()},
    }
    for name, player in players.items():
        tensors[f"sums/{name}"] = player.sums
        for index, state in player.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers/{name}/{index}/{key}": item for key, item in state.items() if item is not None}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(contiguous, {"latentclust": json.dumps(header)}))


def read_round(path: Path) -> int:
    """The round of a checkpoint; raises LatentclustError where the file is missing or cut short."""
    with _opened(path) as (header, _):
        return int(header["round"])


def read_checkpoint(
    path: Path,
    networks: nn.ModuleDict,
    players: dict[str, Player],
    feed: Feed,
    selection: Selection,
    chains: Chains | None = None,
    tables: MemoryBank | None = None,
) -> int:
    """Puts a checkpoint back and returns its round.

    Raises:
        LatentclustError: where the file is missing, cut short, or of another recipe.
    """
    header, tensors = _read(path)
    try:
        networks.load_state_dict(_under(tensors, "networks/"))
        for name, player in players.items():
            _restore_optimizer(player.optimizer, _under(tensors, f"optimizers/{name}/"))
            player.scaler.load_state_dict(header["scalers"][name])
            player.sums.copy_(tensors[f"sums/{name}"])
            player.count = int(header["counts"][name])
        feed.restore(header["feed"])
        if chains is not None:
            _restore_chains(chains, tensors, header["diagnosed"])
        if tables is not None:
            tables.restore(_under(tensors, "tables/"))
    except (KeyError, RuntimeError, ValueError) as error:
        fix = "Resume with the recipe that the run was started with"
        raise LatentclustError.at(str(path), f"does not fit this recipe ({error})", fix) from error
    score, selection.round, selection.total, selection.last_round = header["selection"]
    selection.weights = _under(tensors, "selected/")
    if score is not None:
        selection.score = score
    return int(header["round"])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A checkpoint's header and tensors."""
    with _opened(path) as (header, file):
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """A checkpoint's header, and the file that its tensors are read from while it is open."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["latentclust"])
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']}, and {FORMAT} is read")
            yield header, file
    except FileNotFoundError as error:
        fix = "Give the folder of a run that was stopped after its first checkpoint"
        raise LatentclustError.at(str(path), "there is no checkpoint", fix) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LatentclustError.at(str(path), f"is no readable checkpoint ({error})", "Start the run anew") from error


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _restore_chains(chains: Chains, tensors: dict[str, Tensor], count: int) -> None:
    state = _under(tensors, "chains/")
    if not state:
        raise KeyError("chains")
    chains.restore(state)
    device = chains.rng.device
    chains.sums = {name: tensor.to(device) for name, tensor in _under(tensors, "diagnostics/").items()}
    chains.count = count


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

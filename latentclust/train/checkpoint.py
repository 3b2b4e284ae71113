"""The state of a training, and checkpoints: one safetensors file with all that an exact resumption needs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from latentclust.data.feed import Feed
from latentclust.errors import RunFailedError, UnreadableCheckpointError, first_problem
from latentclust.files import write_atomic
from latentclust.train.chains import Chains
from latentclust.train.checkpoint_header import CheckpointHeader, FeedHeader, PrecisionHeader
from latentclust.train.cluster_watch import ClusterWatch
from latentclust.train.identity import Identity
from latentclust.train.loss_window import LossWindow
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.selection import Selection
from latentclust.train.step import Player
from latentclust.train.training_precision import TrainingPrecision


@dataclass(slots=True)
class TrainingState:
    """The state that a training changes and a checkpoint holds.

    Attributes:
        networks: All networks by name, trained or frozen.
        players_by_stage: Players of each stage by name, in the order of their steps.
        feed: Supply of training batches.
        selections: Best weights of each stage so far.
        batch_sizes: Number of samples per step on each device in each stage.
        chains: Chains of the inference, or None if it has none.
        memory_bank: Sample tables of the recipe.
        precision: Precision of the networks' computations.
        watch: Count of the clusters of training images. None if no step has a value to count.
        identity: Recipe and data, which a checkpoint must have too. None: not compared.
        stage_index: Index of the current stage.
    """

    networks: nn.ModuleDict
    players_by_stage: tuple[dict[str, Player], ...]
    feed: Feed
    selections: tuple[Selection, ...]
    batch_sizes: tuple[int, ...]
    chains: Chains | None
    memory_bank: MemoryBank
    precision: TrainingPrecision
    watch: ClusterWatch | None = None
    identity: Identity | None = None
    stage_index: int = 0

    @property
    def players(self) -> dict[str, Player]:
        """Players of the current stage."""
        return self.players_by_stage[self.stage_index]

    @property
    def selection(self) -> Selection:
        """Best weights of the current stage so far."""
        return self.selections[self.stage_index]

    @property
    def batch_size(self) -> int:
        """Number of samples per step on each device in the current stage."""
        return self.batch_sizes[self.stage_index]

    def enter_stage(self, index: int) -> None:
        """Make a stage the current one."""
        self.stage_index = index
        self.feed.set_batch_size(self.batch_size)


def write_checkpoint(path: Path, round_: int, state: TrainingState, window: LossWindow | None = None) -> None:
    """Write a checkpoint atomically: a reader sees the old file or the new one, never a part.

    Args:
        path: File of the checkpoint.
        round_: Number of rounds finished.
        state: State of the training.
        window: Means that compare the start with others, up to the decision between them.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(state).items()}
    header = _header(round_, state)
    header.window = None if window is None else window.state()
    write_atomic(path, save(contiguous, {"latentclust": json.dumps(header.model_dump(mode="json"))}))


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
        tensors |= {f"optimizers/{name}/{key}": tensor for key, tensor in _moments(player).items()}
    return tensors


def _header(round_: int, state: TrainingState) -> CheckpointHeader:
    selection = state.selection
    score = selection.score if selection.weights else None
    return CheckpointHeader(
        format=1,
        round=round_,
        precision=PrecisionHeader.model_validate(state.precision.record()),
        feed=FeedHeader(**state.feed.state()),
        selection=(score, selection.round, selection.total, selection.last_round),
        selected_before=selection.before,
        counts={name: player.count for name, player in state.players.items()},
        diagnosed=state.chains.count if state.chains else 0,
        scalers={name: player.scaler.state_dict() for name, player in state.players.items()},
        moments={name: len(_moments(player)) for name, player in state.players.items()},
        chains=tuple(state.chains.state) if state.chains else None,
        identity=state.identity,
    )


def read_round(path: Path) -> int:
    """Return the round of a checkpoint. Raise UnreadableCheckpointError if the file is missing or damaged."""
    with _open(path) as (header, _):
        return header.round


def read_checkpoint(path: Path, state: TrainingState, window: LossWindow | None = None) -> int:
    """Restore a training from a checkpoint and return its round; `stage_index` must be that of the round.

    Everything is checked before anything is restored. A window of another decision than the checkpoint's stays empty.

    Raises:
        UnreadableCheckpointError: If the file is missing or damaged, or does not fit the networks.
        LatentclustError: If it belongs to another recipe or other data.
    """
    with _open(path) as (header, file):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    if header.identity is not None and state.identity is not None:
        header.identity.check(state.identity, str(path))
    try:
        check_tensors(tensors, header, state)
        state.networks.load_state_dict(_with_prefix(tensors, "networks/"))
        for name, player in state.players.items():
            _restore_optimizer(player.optimizer, _with_prefix(tensors, f"optimizers/{name}/"))
            player.scaler.load_state_dict(header.scalers[name])
            player.sums.copy_(tensors[f"sums/{name}"])
            player.count = header.counts[name]
        state.feed.restore(header.feed.model_dump())
        if state.chains is not None:
            _restore_chains(state.chains, tensors, header.diagnosed)
        state.memory_bank.restore(_with_prefix(tensors, "tables/"))
        state.precision.restore(header.precision.model_dump() if header.precision else None)
        if state.watch is not None and "clusters" in tensors:
            state.watch.sums = tensors["clusters"].to(state.watch.sums.device)
        if window is not None:
            window.restore(header.window)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        fix = "Resume with the recipe that the run was started with"
        raise UnreadableCheckpointError.at(str(path), f"does not match this recipe ({error})", fix) from error
    _restore_selection(state.selection, header, _with_prefix(tensors, "selected/"))
    return header.round


def check_tensors(tensors: dict[str, Tensor], header: CheckpointHeader, state: TrainingState) -> None:
    """Raise ValueError if a tensor of a checkpoint is missing, of another shape or type, or not finite.

    Fused optimizers write outside of their memory where a moment has another shape than its parameter.
    """
    for name, like in _expected(tensors, header, state).items():
        if name not in tensors:
            raise ValueError(f"{name} is missing")
        found = tensors[name]
        if found.shape != like.shape or found.dtype != like.dtype:
            raise ValueError(f"{name} is {found.dtype} {tuple(found.shape)}, not {like.dtype} {tuple(like.shape)}")
        if not torch.isfinite(found).all():
            raise ValueError(f"{name} is not finite")
    if state.chains is not None:
        chains = _with_prefix(tensors, "chains/")
        if header.chains is not None and set(chains) != set(header.chains):
            raise ValueError(f"the chains have the tensors {sorted(chains)}, not {sorted(header.chains)}")
        _check_chains(chains, state.chains, state.feed.samples)


def _check_chains(tensors: dict[str, Tensor], chains: Chains, samples: int) -> None:
    """Raise ValueError if a state tensor has another number of rows, is not finite, or has unknown categories."""
    categories = chains.model.prior.categories
    for name, tensor in tensors.items():
        if len(tensor) != samples:
            raise ValueError(f"chains/{name} has {len(tensor)} rows for {samples} samples")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"chains/{name} is not finite")
        if not tensor.is_floating_point() and not ((tensor >= 0) & (tensor < categories)).all():
            raise ValueError(f"chains/{name} has categories outside 0 to {categories - 1}")


def _expected(tensors: dict[str, Tensor], header: CheckpointHeader, state: TrainingState) -> dict[str, Tensor]:
    """Return a tensor like each that a checkpoint must contain. Raise ValueError if an optimizer's are too few."""
    expected = {f"networks/{name}": tensor for name, tensor in state.networks.state_dict().items()}
    if any(name.startswith("selected/") for name in tensors):
        expected |= {name.replace("networks/", "selected/", 1): tensor for name, tensor in expected.items()}
    for name, player in state.players.items():
        expected[f"sums/{name}"] = player.sums
        own = _with_prefix(tensors, f"optimizers/{name}/")
        if header.moments is not None and len(own) != header.moments.get(name):
            raise ValueError(f"the optimizer of {name!r} has {len(own)} of {header.moments.get(name)} tensors")
        expected |= {f"optimizers/{name}/{key}": like for key, like in _expected_moments(player, own).items()}
    if state.watch is not None and "clusters" in tensors:
        expected["clusters"] = state.watch.sums
    return expected


def _expected_moments(player: Player, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a tensor like each moment of an optimizer: a number, or of its parameter's shape; always float32.

    Raises:
        ValueError: If there is no such parameter, or one has other moments than the optimizer keeps.
    """
    names: dict[str, set[str]] = {}
    for index, _, name in (key.partition("/") for key in found):
        names.setdefault(index, set()).add(name)
    kept = _moment_names(player.optimizer)
    wrong = next((index for index, own in names.items() if own != kept), None)
    if wrong is not None:
        raise ValueError(f"the optimizer has {sorted(names[wrong])} of parameter {wrong}, not {sorted(kept)}")
    parameters = [parameter for group in player.optimizer.param_groups for parameter in group["params"]]
    expected = {}
    for key, tensor in found.items():
        index, _, _ = key.partition("/")
        if not index.isdecimal() or int(index) >= len(parameters):
            raise ValueError(f"the optimizer has no parameter {index}")
        parameter = parameters[int(index)]
        shape = () if tensor.ndim == 0 else parameter.shape
        expected[key] = torch.empty(shape, dtype=torch.float32, device="meta")
    return expected


def _moment_names(optimizer: torch.optim.Optimizer) -> set[str]:
    """Return the names of the tensors that an optimizer keeps of each parameter, from a step of one of its kind."""
    probe = nn.Parameter(torch.zeros(1))
    probe.grad = torch.zeros(1)
    known = signature(type(optimizer)).parameters
    alike = type(optimizer)([probe], **{name: value for name, value in optimizer.defaults.items() if name in known})
    alike.step()
    return {name for name, value in alike.state[probe].items() if value is not None}


def _moments(player: Player) -> dict[str, Tensor]:
    """Return the tensors of an optimizer's state, by the index of the parameter and the name."""
    state = player.optimizer.state_dict()["state"]
    return {
        f"{index}/{key}": item for index, moments in state.items() for key, item in moments.items() if item is not None
    }


def check_moments(state: TrainingState, round_: int) -> None:
    """Raise RunFailedError naming the player whose optimizer's state is not finite."""
    for name, player in state.players.items():
        if not all(bool(torch.isfinite(tensor).all()) for tensor in _moments(player).values()):
            what = f"the state of its optimizer is not finite after round {round_}"
            raise RunFailedError.at(f"players.{name}", what, "Lower its learning rate or the weights of its losses")


@contextmanager
def _open(path: Path) -> Iterator[tuple[CheckpointHeader, Any]]:
    """Yield the header of a checkpoint, and the open file to read its tensors from."""
    try:
        with safe_open(path, framework="pt") as file:
            header = CheckpointHeader.model_validate_json(file.metadata()["latentclust"])
            yield header, file
    except FileNotFoundError as error:
        fix = "Use the folder of a run that was stopped after its first checkpoint"
        raise UnreadableCheckpointError.at(str(path), "the checkpoint does not exist", fix) from error
    except (OSError, SafetensorError, KeyError, RecursionError, TypeError, ValueError) as error:
        what = f"is not a readable checkpoint ({first_problem(error)})"
        raise UnreadableCheckpointError.at(str(path), what, "Start the run again without --resume") from error


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


def _restore_selection(selection: Selection, header: CheckpointHeader, weights: dict[str, Tensor]) -> None:
    score, selection.round, selection.total, selection.last_round = header.selection
    selection.weights, selection.before = weights, header.selected_before
    if score is not None:
        selection.score = score

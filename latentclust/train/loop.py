"""The one training loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from latentclust.assemble.stages import Stage
from latentclust.data.feed import Batch, Feed
from latentclust.errors import InterruptedRunError, RunFailedError
from latentclust.recipe.schema import TrainTable
from latentclust.train.chains import Chains
from latentclust.train.checkpoint import NAME, read_checkpoint, read_round, write_checkpoint
from latentclust.train.events import Listener, Record
from latentclust.train.full_dataset import set_start_weights
from latentclust.train.memory_bank import MemoryBank
from latentclust.train.selection import Selection
from latentclust.train.step import Player, hold_other_networks

Curve = Callable[[], dict[str, float]]


@dataclass(slots=True)
class Training:
    """Everything that one training moves.

    Attributes:
        networks: All networks, moved by a player or frozen.
        stages: The parts of the training.
        players_by_stage: The players of each stage, in the order in which they play.
        chains: Those of an inference that samples while the networks are trained.
        memory_bank: What is computed from the whole training set.
        rng: The source of all randomness inside a step, on the device.
        curve: Metrics of the present weights against the labels, for the learning curve; None for no curve.
        stopping: Whether the user asked to stop.
        at: Which stage is being played.
    """

    table: TrainTable
    seed: int
    fabric: Fabric
    networks: nn.ModuleDict
    frozen: tuple[str, ...]
    stages: tuple[Stage, ...]
    players_by_stage: tuple[dict[str, Player], ...]
    feed: Feed
    rng: torch.Generator
    listener: Listener
    folder: Path
    curve_every: int = 0
    curve: Curve | None = None
    chains: Chains | None = None
    memory_bank: MemoryBank | None = None
    should_stop: Callable[[], bool] = lambda: False
    selection: Selection | None = None
    stage_index: int = 0

    @property
    def stage(self) -> Stage:
        """The present one."""
        return self.stages[self.stage_index]

    @property
    def players(self) -> dict[str, Player]:
        """Those of the present stage."""
        return self.players_by_stage[self.stage_index]

    def run(self, resume: bool = False) -> Selection:
        """Trains to the end and leaves the selected weights in the networks.

        Raises:
            RunFailedError: where a loss is no longer finite; the last finite checkpoint stays.
            InterruptedRunError: where the user stopped it, after a checkpoint.
        """
        selection = self.selection = Selection(self.table, rounds_before=self.stages[-1].first)
        start = self._restore(selection) if resume else self._begin()
        self.listener.on_start(start, self.table.rounds)
        self._train_mode()
        clock = Stopwatch(start)
        # Networks that draw (dropout) use torch's own generator, which belongs to the caller.
        with torch.random.fork_rng(devices=()):
            for round_ in range(start + 1, self.table.rounds + 1):
                self._enter(round_)
                self._play(round_)
                self._housekeeping(round_, clock, selection)
        if selection.weights:
            self.networks.load_state_dict(selection.weights)
        return selection

    def _enter(self, round_: int) -> None:
        """Begins the stage that a round is the first of, and computes what is due before the round."""
        if round_ > self.stage.last:
            for player in self.players.values():
                player.free_memory()
            self.stage_index += 1
        if self.memory_bank is not None:
            if self.stage.start is not None and round_ == self.stage.first + 1:
                set_start_weights(self.networks, self.stage.start, self.memory_bank.dataset, self.stage.name, round_)
            self.memory_bank.refresh(round_, self.stage)

    def _play(self, round_: int) -> None:
        """Every player in turn, the others held; where there are chains, all on the batch whose chains advance."""
        self._seed(round_)
        progress = self.stage.progress(round_)
        batch = self._advance(progress)
        everyone = tuple(player for crew in self.players_by_stage for player in crew.values())
        for player in self.players.values():
            player.refresh(progress)
            if len(everyone) > 1 or round_ == 1:
                hold_other_networks(everyone, player)
            for _ in range(player.steps):
                player.step(batch or self.feed.next())
        if self.chains is not None:
            self.chains.commit()

    def _advance(self, progress: float) -> Batch | None:
        """The round's batch, its chains advanced; None without chains, where each step has a batch of its own."""
        if self.chains is None:
            return None
        batch = self.feed.next()
        self.chains.advance(batch, progress)
        return batch

    def _seed(self, round_: int) -> None:
        """A round's draws depend on seed, process and round alone, so that a resumed run is the same run."""
        entropy = np.random.SeedSequence((self.seed, self.fabric.global_rank, round_))
        seed = int(entropy.generate_state(1, np.uint64)[0] >> 1)
        self.rng.manual_seed(seed)
        torch.manual_seed(seed)

    def _housekeeping(self, round_: int, clock: "Stopwatch", selection: Selection) -> None:
        """Log, selection, learning curve, checkpoint and stop, each when due."""
        last = round_ == self.table.rounds
        stop = self._agreed_stop()
        due = self.curve is not None and self.curve_every > 0 and round_ % self.curve_every == 0
        log = due or round_ == self.stage.last or selection.is_due(round_) or round_ % self.table.log_every == 0
        save = last or stop or round_ % self.table.checkpoint_every == 0
        if log or save:
            self._agree()
        if log:
            chains = self._diagnosed(round_)  # first, for they spoil the losses
            losses = self._losses(round_)
            selection.update(losses, round_, self.networks)
            oracle = self._oracle() if due and self.fabric.is_global_zero else {}
            steps = 1 if self.chains else sum(player.steps for player in self.players.values())
            images = steps * self.table.batch_size
            rate, seconds = clock.lap(round_, images * self.fabric.world_size)
            record = Record(round_, self.table.rounds, seconds, rate, losses, oracle, chains, self.stage.name)
            self.listener.on_record(record)
        if save:
            self._save(round_, selection)
        if stop and not last:
            fix = f"Go on with: latentclust run --resume {self.folder}"
            raise InterruptedRunError.at(str(self.folder), f"stopped after round {round_} of {self.table.rounds}", fix)

    def _losses(self, round_: int) -> dict[str, float]:
        """The means since the last record; all must be finite."""
        losses = {name: mean for player in self.players.values() for name, mean in player.drain().items()}
        self._check_finite(losses, round_)
        return losses

    def _diagnosed(self, round_: int) -> dict[str, float]:
        """What the chains say since the last record; all must be finite."""
        means = self.chains.drain() if self.chains else {}
        self._check_chains(means, round_)
        return means

    def _check_chains(self, means: dict[str, float], round_: int) -> None:
        """Raises RunFailedError with the number by which chains show that they have diverged."""
        for name, mean in means.items():
            if not math.isfinite(mean):
                what = f"the chains diverged: their {name} became {mean} by round {round_}"
                raise RunFailedError.at("inference", what, "Lower inference.step_size, or raise inference.noise")

    def _check_finite(self, losses: dict[str, float], round_: int) -> None:
        """Raises RunFailedError naming the terms that are no longer finite."""
        lost = [name for name, mean in losses.items() if not math.isfinite(mean)]
        if lost:
            kept = self.folder / NAME
            state = f"the last finite checkpoint is {kept}" if kept.exists() else "it was before the first checkpoint"
            what = f"{', '.join(lost)} became {losses[lost[0]]} by round {round_}; {state}"
            raise RunFailedError.at(f"losses.{lost[0]}", what, "Lower a learning rate or the weight of that loss")

    def _oracle(self) -> dict[str, float]:
        """The learning curve's entry, taken without disturbing the training."""
        assert self.curve is not None
        self.networks.eval()
        with torch.random.fork_rng(devices=()):
            scores = self.curve()
        self._train_mode()
        return scores

    def _save(self, round_: int, selection: Selection) -> None:
        """Writes a checkpoint, if it is finite."""
        if self.chains:
            self._check_chains(self.chains.means(), round_)
            self.chains.gather(self.fabric)
        for player in self.players.values():
            self._check_finite(player.means(), round_)
        broken = [name for name, tensor in self.networks.state_dict().items() if not torch.isfinite(tensor).all()]
        if broken:
            what = f"{broken[0]} is no longer finite after round {round_}"
            raise RunFailedError.at(
                f"networks.{broken[0]}", what, "Lower the learning rate of the player that moves it"
            )
        if self.fabric.is_global_zero:
            file = self.folder / NAME
            write_checkpoint(
                file, round_, self.networks, self.players, self.feed, selection, self.chains, self.memory_bank
            )

    def _agree(self) -> None:
        """Takes means over processes of what each makes of its own batches, so that all log, select and stop alike.

        These are the sums of the terms and batch norm's statistics; counters, equal already, stay what they are.
        """
        if self.fabric.world_size > 1:
            sums = self.chains.sums.values() if self.chains else ()
            for tensor in (*(player.sums for player in self.players.values()), *self.networks.buffers(), *sums):
                mean = self.fabric.all_reduce(tensor.double(), reduce_op="mean")
                assert isinstance(mean, Tensor)
                tensor.copy_(mean)

    def _begin(self) -> int:
        if self.chains is not None:
            self.chains.begin(self.seed)
        return 0

    def _restore(self, selection: Selection) -> int:
        file = self.folder / NAME
        round_ = read_round(file)
        self.stage_index = next(
            (at for at, stage in enumerate(self.stages) if round_ <= stage.last), len(self.stages) - 1
        )
        return read_checkpoint(file, self.networks, self.players, self.feed, selection, self.chains, self.memory_bank)

    def _train_mode(self) -> None:
        self.networks.train()
        for name in self.frozen:
            self.networks[name].eval()

    def _agreed_stop(self) -> bool:
        """Whether any process was asked to stop: all must leave the loop in the same round."""
        if self.fabric.world_size == 1:
            return self.should_stop()
        asked = torch.tensor(float(self.should_stop()), device=self.fabric.device)
        return bool(self.fabric.all_reduce(asked, reduce_op="sum"))


class Stopwatch:
    """Training time and throughput."""

    def __init__(self, round_: int) -> None:
        """Starts now, after `round_` rounds."""
        self.start = self.last = time.perf_counter()
        self.round = round_

    def lap(self, round_: int, images_per_round: int) -> tuple[float, float]:
        """Images a second since the last lap, and seconds in all."""
        now = time.perf_counter()
        rate = (round_ - self.round) * images_per_round / max(now - self.last, 1e-9)
        self.last, self.round = now, round_
        return rate, now - self.start

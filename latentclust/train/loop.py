"""The training loop."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from latentclust.assemble.stages import Stage
from latentclust.data.feed import Batch
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.generators import fork_generators, seed_generators
from latentclust.recipe.schema import Recipe
from latentclust.train.callbacks import Callbacks
from latentclust.train.checkpoint import (
    TrainingState,
    check_moments,
    read_checkpoint,
    read_round,
    write_checkpoint,
)
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.divergence import check_diagnostics, check_losses, check_weights
from latentclust.train.events import Record, RoundListener
from latentclust.train.followed import copy_changed, followers_of
from latentclust.train.full_dataset import set_start_weights
from latentclust.train.legs import Branch, Rung
from latentclust.train.processes import average_over_processes, true_in_any
from latentclust.train.selection import Selection
from latentclust.train.step import Player, hold_other_networks
from latentclust.train.stopwatch import Stopwatch


@dataclass(slots=True)
class Training:
    """A training that is ready to run; `prepare_training` builds it.

    Attributes:
        recipe: Validated tables of the recipe.
        fabric: Device and processes of the run.
        folder: Folder of the checkpoint.
        stages: Stages of the training, in order.
        state: Networks, players and all else that the training changes.
        rng: Generator of all randomness in a step, on the device.
        callbacks: Functions of the caller.
        start: Number of the start, counted from 1; 0 for a training with a single one.
        rung: The part up to a decision between starts. None to train to the end.
        branch: Where a start of a stage begins. None for the beginning of the training.
    """

    recipe: Recipe
    fabric: Fabric
    folder: Path
    stages: tuple[Stage, ...]
    state: TrainingState
    rng: torch.Generator
    callbacks: Callbacks
    start: int = 0
    rung: Rung | None = None
    branch: Branch | None = None
    _on_round: Callable[[int], None] | None = field(default=None, init=False)

    @property
    def file(self) -> Path:
        """File of the checkpoint."""
        return self.rung.file if self.rung else self.folder / CHECKPOINT

    @property
    def last(self) -> int:
        """Last round of this training, or of the part up to a decision between starts."""
        return self.rung.until if self.rung else self.recipe.train.rounds

    @property
    def stage(self) -> Stage:
        """Current stage."""
        return self.stages[self.state.stage_index]

    def run(self, resume: bool = False) -> Selection:
        """Train to the last round, and put the selected weights into the networks, unless this is a rung.

        Raises:
            RunFailedError: If a loss or a weight is not finite. The last finite checkpoint stays.
            InterruptedRunError: If the user stopped the training, after a checkpoint.
        """
        state, rounds = self.state, self.last
        start = self._resume(self.file) if resume else self._begin()
        listener = self.callbacks.listener
        self._on_round = listener.on_round if isinstance(listener, RoundListener) else None
        listener.on_start(start, rounds)
        self._set_train_mode()
        stopwatch = Stopwatch(start)
        # Networks with dropout draw from torch's own generators, which belong to the caller.
        with fork_generators(self.fabric.device):
            for round_ in range(start + 1, rounds + 1):
                self._start_round(round_)
                self._train_round(round_)
                self._end_round(round_, stopwatch)
        if self.rung is None:
            self._take_selected()
        return state.selection

    def _take_selected(self) -> None:
        """Put the selected weights of the current stage into the networks."""
        if self.state.selection.weights:
            self.state.networks.load_state_dict(self.state.selection.weights)

    def _begin(self) -> int:
        if self.branch is not None:
            return self._begin_branch(self.branch)
        if self.state.chains is not None:
            self.state.chains.begin(self.recipe.seed)
        return 0

    def _begin_branch(self, branch: Branch) -> int:
        """Continue after the stages before, with the own initial weights of networks that no stage has trained."""
        networks = self.state.networks
        own = {name: deepcopy(networks[name].state_dict()) for name in branch.networks}
        round_ = self._resume(branch.file)
        self._enter_next_stage()
        for name, weights in own.items():
            networks[name].load_state_dict(weights)
        return round_

    def _resume(self, file: Path) -> int:
        round_ = read_round(file)
        last = len(self.stages) - 1
        self.state.enter_stage(next((at for at, stage in enumerate(self.stages) if round_ <= stage.last), last))
        read_checkpoint(file, self.state, self.rung.window if self.rung else None)
        if round_ > self.recipe.train.rounds:
            what = f"has {round_:,} finished rounds, but train.rounds is {self.recipe.train.rounds:,}"
            raise LatentclustError.at(str(file), what, "Use the checkpoint that the run wrote, or start a new run")
        return round_

    def _set_train_mode(self) -> None:
        self.state.networks.train()
        for name, table in self.recipe.networks.items():
            if table.frozen:
                self.state.networks[name].eval()

    def _start_round(self, round_: int) -> None:
        """Enter the stage that begins with a round, and compute the tables that are due before the round."""
        state = self.state
        if round_ > self.stage.last:
            self._enter_next_stage()
        if self.stage.start is not None and round_ == self.stage.first + 1:
            changed = set_start_weights(
                state.networks, self.stage.start, state.memory_bank.dataset, self.stage.name, round_
            )
            copy_changed(state.networks, self.recipe.networks, changed)
        state.memory_bank.refresh(round_, self.stage)

    def _enter_next_stage(self) -> None:
        """End a stage with its selected weights, and enter the next one."""
        state = self.state
        for player in state.players.values():
            player.free_memory()
        self._take_selected()
        ended = state.selection
        state.enter_stage(state.stage_index + 1)
        state.selection.follow(ended)

    def _train_round(self, round_: int) -> None:
        """Let each player take its steps while the others are held.

        With chains, all players step on the batch whose chains advance; otherwise each step has its own batch.
        """
        state = self.state
        self._seed_round(round_)
        if state.watch is not None:
            state.watch.begin_round(round_)
        progress = self.stage.progress(round_)
        batch = self._advance_chains(progress)
        all_players = [player for players in state.players_by_stage for player in players.values()]
        for player in state.players.values():
            player.refresh(progress)
            hold_other_networks(all_players, player)
            followers = followers_of(state.networks, self.recipe.networks, player.plan.networks)
            with state.precision.converted_weights(self._unmoved(player)):
                for _ in range(player.steps):
                    player.step(batch or state.feed.next())
                    for follower in followers:
                        follower.move(progress)
        if state.chains is not None:
            state.chains.commit()

    def _unmoved(self, player: Player) -> list[nn.Module]:
        """Return the networks that a player's step reads, and that neither follow others nor are changed after it."""
        tables, networks, changed = self.recipe.networks, self.state.networks, player.plan.after
        read = [name for name in player.plan.given if name in networks and name not in changed]
        return [networks[name] for name in read if tables[name].follows is None]

    def _seed_round(self, round_: int) -> None:
        """Seed the round by recipe, process and round alone, so that a resumed run is the same run."""
        entropy = np.random.SeedSequence((self.recipe.seed, self.fabric.global_rank, round_))
        seed = int(entropy.generate_state(1, np.uint64)[0] >> 1)
        self.rng.manual_seed(seed)
        seed_generators(self.fabric.device, seed)

    def _advance_chains(self, progress: float) -> Batch | None:
        """Return the batch whose chains have advanced, or None without chains."""
        if self.state.chains is None:
            return None
        batch = self.state.feed.next()
        self.state.chains.advance(batch, progress)
        return batch

    def _end_round(self, round_: int, stopwatch: Stopwatch) -> None:
        """Make a record and a checkpoint if they are due, and stop if the user requests it."""
        table = self.recipe.train
        stop, late = true_in_any(
            self.fabric, self.callbacks.should_stop(), stopwatch.since_saved > table.checkpoint_minutes
        )
        record = self._is_record_due(round_)
        # Saving averages over processes, so only rounds that average in any case are saved by time.
        late = late and (record or self.fabric.world_size == 1)
        save = stop or late or round_ == self.last or round_ % table.checkpoint_every == 0
        if record or save:
            average_over_processes(self.fabric, self.state)
        if record:
            self._record(round_, stopwatch)
        if save:
            self._save(round_)
            stopwatch.saved = time.perf_counter()
        if self._on_round is not None:
            self._on_round(round_)
        if stop and round_ < table.rounds:
            which = f" of start {self.start}" if self.rung and self.start else ""
            what = f"stopped after round {round_} of {table.rounds}{which}"
            raise InterruptedRunError.at(str(self.folder), what, f"Resume: latentclust run --resume {self.folder}")

    def _is_record_due(self, round_: int) -> bool:
        of_rung = (self.rung.window.since, self.rung.until) if self.rung else ()
        return (
            self._is_curve_due(round_)
            or round_ in (self.stage.last, *of_rung)
            or self.state.selection.is_due(round_)
            or round_ % self.recipe.train.log_every == 0
        )

    def _is_curve_due(self, round_: int) -> bool:
        every = self.recipe.evaluate.every
        return self.callbacks.curve is not None and every > 0 and round_ % every == 0

    def _record(self, round_: int, stopwatch: Stopwatch) -> None:
        """Check the means since the last record, update the selection and send a record to the listener."""
        state = self.state
        # Diverged chains also make the losses non-finite, so they are reported first.
        diagnostics = state.chains.drain() if state.chains else {}
        check_diagnostics(diagnostics, round_)
        losses = {name: mean for player in state.players.values() for name, mean in player.drain().items()}
        check_losses(losses, round_, self.file)
        state.selection.update(losses, round_, state.networks)
        if self.rung:
            self.rung.window.update(losses, diagnostics, round_)
        oracle = self._learning_curve() if self._is_curve_due(round_) and self.fabric.is_global_zero else {}
        steps = 1 if state.chains else sum(player.steps for player in state.players.values())
        images = steps * state.batch_size * self.fabric.world_size
        rate, seconds = stopwatch.lap(round_, images)
        named = (self.stage.name, state.precision.name)
        clusters = state.watch.drain() if state.watch else ((), ())
        record = Record(round_, self.last, seconds, rate, losses, oracle, diagnostics, *named, *clusters, self.start)
        self.callbacks.listener.on_record(record)

    def _learning_curve(self) -> dict[str, float]:
        """Return the metrics of the current weights; the training is not affected."""
        assert self.callbacks.curve is not None
        self.state.networks.eval()
        with fork_generators(self.fabric.device):
            scores = self.callbacks.curve()
        self._set_train_mode()
        return scores

    def _save(self, round_: int) -> None:
        """Write a checkpoint. Raise RunFailedError if the state is not finite."""
        state = self.state
        if state.chains:
            check_diagnostics(state.chains.means(), round_)
            state.chains.gather(self.fabric)
        for player in state.players.values():
            check_losses(player.means(), round_, self.file)
        check_weights(state.networks, round_)
        check_moments(state, round_)
        if self.fabric.is_global_zero:
            write_checkpoint(self.file, round_, state, self.rung.window if self.rung else None)

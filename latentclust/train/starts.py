"""Trainings with several starts: each is trained for a part of the rounds, and the best one goes on to the end."""

import math
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from torch import nn

from latentclust.assemble.experiment import Experiment, with_seed
from latentclust.assemble.stages import first_trained
from latentclust.assemble.start_plan import Criterion, StartPlan, start_plan
from latentclust.errors import RunFailedError
from latentclust.generators import fork_generators
from latentclust.train.callbacks import Callbacks
from latentclust.train.checkpoint import read_round
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.events import Leg, StartsListener
from latentclust.train.identity import Identity
from latentclust.train.legs import Branch, Rung
from latentclust.train.loop import Training
from latentclust.train.loss_window import LossWindow
from latentclust.train.selection import Selection
from latentclust.train.setup import prepare_training
from latentclust.train.starts_file import STARTS_FOLDER, Decision, StartScore, StartsLog

SEED_TAG = zlib.crc32(b"train.starts")

Figures = Callable[[Experiment, Sequence[str]], Mapping[str, float]]
"""Returns label-free figures of the current networks by name (see `assemble.start_plan.FIGURES`)."""


@dataclass(frozen=True, slots=True)
class StartCallbacks:
    """The functions of the caller that a training with several starts calls.

    Attributes:
        callbacks: Returns the callbacks of the training of one start, whose networks are those of the experiment.
        figures: Computes the figures that compare starts.
    """

    callbacks: Callable[[Experiment], Callbacks]
    figures: Figures


def start_seed(seed: int, start: int) -> int:
    """Return the seed of a start, counted from 1; the first one, and what all share, has the recipe's own."""
    if start <= 1:
        return seed
    return int(np.random.SeedSequence((seed, SEED_TAG, start)).generate_state(1, np.uint32)[0])


def train(
    experiment: Experiment, fabric: Fabric, folder: Path, given: StartCallbacks, resume: bool
) -> tuple[Experiment, Selection, StartsLog | None]:
    """Train a recipe with any number of starts.

    Args:
        experiment: Resolved recipe with its data and networks.
        fabric: A launched Fabric.
        folder: Run folder.
        given: Functions of the caller.
        resume: Whether to continue from the checkpoints in the folder.

    Returns:
        The experiment with the trained networks, the selection of their weights, and the scores of the starts; None
        for a single start.

    Raises:
        RunFailedError: If a loss or a weight is not finite, with several starts in all of them.
        InterruptedRunError: If the user stopped the training, after a checkpoint.
    """
    resolved = experiment.resolved
    if not resolved.recipe.losses:  # nothing is trained
        nn.ModuleDict(experiment.networks).to(fabric.device)
        return experiment, Selection.of_stage(resolved.recipe, resolved.stages[0]), None
    plan = start_plan(resolved.recipe)
    if plan.count == 1:
        return experiment, prepare_training(experiment, fabric, folder, given.callbacks(experiment)).run(resume), None
    log = StartsLog(count=plan.count, criteria=tuple(c.name for c in plan.criteria), stage=plan.stage)
    if resume:
        log = StartsLog.read(folder).checked(log, plan.decisions)
    return Starts(experiment, fabric, folder, given, plan, log, Identity.of(experiment)).run()


@dataclass(slots=True)
class Starts:
    """The starts of one training. They are trained one after another; only one is in memory at a time.

    Attributes:
        experiment: Experiment with the recipe's own seed. Its networks are not trained.
        fabric: Device of the run.
        folder: Run folder.
        given: Functions of the caller.
        plan: Decisions and criteria.
        log: Scores so far. It is written after each score, so that a resumed run continues there.
        identity: Recipe and data of all starts. None: each start computes it.
    """

    experiment: Experiment
    fabric: Fabric
    folder: Path
    given: StartCallbacks
    plan: StartPlan
    log: StartsLog
    identity: Identity | None = None

    def run(self) -> tuple[Experiment, Selection, StartsLog]:
        """Decide between the starts, then train the best one to the end."""
        self.log.write(self.folder)
        for number in range(len(self.plan.decisions)):
            if len(self.log.alive) > 1:
                self._decide(number)
        (chosen,) = self.log.alive
        return (*self.finish(chosen), self.log)

    def _train_shared(self) -> None:
        """Train the stages before that of the starts, once for all of them."""
        file = self._file(0)
        if file.exists() and read_round(file) == self.plan.first:
            return
        training, _ = self._prepare(0)
        training.rung = Rung(self.plan.first, file, LossWindow(0))
        training.run(resume=file.exists())

    def finish(self, start: int) -> tuple[Experiment, Selection]:
        """Train a start to the end. Return the experiment with its networks, and the selection of their weights."""
        self._promote(start)
        training, experiment = self._prepare(start)
        self._tell_leg(training, start)
        selection = training.run(resume=True)
        return replace(self.experiment, networks=experiment.networks), selection

    def _decide(self, number: int) -> None:
        """Train the starts that are left up to a decision, and keep the better half of them."""
        decisions = self.log.decisions
        decision = decisions[number] if number < len(decisions) else Decision(round=self.plan.decisions[number])
        if decision.kept:
            return
        scored = {score.start for score in decision.scores}
        for start in self.log.alive:
            if start not in scored:
                decision = decision.model_copy(update={"scores": (*decision.scores, self.try_start(start, number))})
                self._write(number, decision)
        best = self._ranked(decision)
        decision = decision.model_copy(update={"kept": best[: self.plan.kept(number)]})
        self._write(number, decision)
        for start in {score.start for score in decision.scores} - set(decision.kept):
            self._file(start).unlink(missing_ok=True)
        listener = self.given.callbacks(self.experiment).listener
        if isinstance(listener, StartsListener):
            listener.on_decision(describe_decision(decision, self.plan.criteria))

    def _ranked(self, decision: Decision) -> tuple[int, ...]:
        """Return the starts that did not fail, the best first. Raise RunFailedError if there is none."""
        finite = [score for score in decision.scores if score.failed is None]
        if not finite:
            failures = "; ".join(f"start {score.start}: {score.failed}" for score in decision.scores)
            raise RunFailedError.at(self.plan.key, f"all starts failed: {failures}", "Lower the learning rates")
        # Equal starts are ranked by their number, so that the order is always the same.
        ranked = sorted(finite, key=lambda score: (score.badness(self.plan.criteria), score.start))
        return tuple(score.start for score in ranked)

    def try_start(self, start: int, number: int) -> StartScore:
        """Train a start up to a decision and return its score."""
        if self.plan.first and not self._file(start).exists():
            self._train_shared()
        seed = start_seed(self.experiment.resolved.recipe.seed, start)
        training, experiment = self._prepare(start)
        window = LossWindow(self.plan.window(number, training.stages), self.plan.diagnostics)
        training.rung = Rung(self.plan.decisions[number], self._file(start), window)
        if self.plan.first:
            stages = training.stages
            training.branch = Branch(self._file(0), first_trained(training.recipe, stages, self.plan.stage))
        self._tell_leg(training, start)
        try:
            training.run(resume=training.file.exists())
        except RunFailedError as error:
            return StartScore(start=start, seed=seed, failed=str(error))
        wanted = [criterion.key for criterion in self.plan.criteria if criterion.is_figure]
        with fork_generators(self.fabric.device):
            found = {**window.means(), **(self.given.figures(experiment, wanted) if wanted else {})}
        return StartScore(start=start, seed=seed, values={c.key: _value(c, found) for c in self.plan.criteria})

    def _prepare(self, start: int) -> tuple[Training, Experiment]:
        """Return the training of a start, and the experiment with its networks; 0 is what all starts share."""
        experiment = with_seed(self.experiment, start_seed(self.experiment.resolved.recipe.seed, start))
        callbacks = self.given.callbacks(experiment)
        training = prepare_training(experiment, self.fabric, self.folder, callbacks, self.identity)
        training.start = start
        precision = training.state.precision
        if self.log.precision:
            precision.restore(self.log.precision)
        else:
            self.log = self.log.model_copy(update={"precision": precision.record()})
            self.log.write(self.folder)
        return training, experiment

    def _tell_leg(self, training: Training, start: int) -> None:
        listener = training.callbacks.listener
        if isinstance(listener, StartsListener):
            numbers = range(1, self.plan.count + 1)
            progress = ({0: self.plan.first} if self.plan.first else {}) | {
                number: self._progress(number) for number in numbers
            }
            listener.on_leg(Leg(start, self.plan.count, training.rung is None, progress))

    def _progress(self, start: int) -> int:
        """Return the number of rounds that a start has finished, according to the files."""
        if self.log.alive == (start,) and (self.folder / CHECKPOINT).exists():
            return read_round(self.folder / CHECKPOINT)
        if self._file(start).exists():
            return read_round(self._file(start))
        ended = [d.round for d in self.log.decisions if any(score.start == start for score in d.scores)]
        return max(ended, default=0)

    def _promote(self, start: int) -> None:
        """Make the checkpoint of the best start that of the run."""
        if self._file(start).exists():
            self._file(start).replace(self.folder / CHECKPOINT)
        shutil.rmtree(self.folder / STARTS_FOLDER, ignore_errors=True)

    def _file(self, start: int) -> Path:
        return self.folder / STARTS_FOLDER / f"start-{start}.safetensors"

    def _write(self, number: int, decision: Decision) -> None:
        self.log = self.log.with_decision(number, decision)
        self.log.write(self.folder)


def _value(criterion: Criterion, found: Mapping[str, float]) -> float | None:
    """Return the value of a criterion, None if it is not finite."""
    value = found[criterion.key]
    return value if math.isfinite(value) else None


def describe_decision(decision: Decision, criteria: Sequence[Criterion]) -> str:
    """Return a decision as a sentence with the values of all starts that were compared."""
    kept = " and ".join(map(str, sorted(decision.kept)))
    goes = f"start {kept} goes on" if len(decision.kept) == 1 else f"starts {kept} go on"
    scores = "; ".join(f"start {score.start}: {_describe_score(score, criteria)}" for score in decision.scores)
    return f"After round {decision.round}, {goes} ({scores})"


def _describe_score(score: StartScore, criteria: Sequence[Criterion]) -> str:
    if score.failed is not None:
        return "failed"
    values = {key: "not finite" if value is None else f"{value:.4g}" for key, value in score.values.items()}
    return ", ".join(f"{criterion.key} {values[criterion.key]}" for criterion in criteria)

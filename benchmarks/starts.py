"""Measure whether the criteria of starts predict the result: `python benchmarks/starts.py RECIPE [--starts 20]`.

Each start is trained to the end. At an eighth, a quarter, half and 95% of the rounds the label-free criteria are
recorded, and at the end the accuracy. The result has the Spearman rank correlation of each criterion with the accuracy,
with an interval from a bootstrap over the starts, and the accuracy that `train.starts = 2` and `4` choose from random
subsets.

Starts that are finished, and checkpoints of the one that is not, are kept in `runs/benchmarks/starts-RECIPE/`, so that
the same command resumes. The result is written to `benchmarks/results/starts-RECIPE.json` after every start.
"""

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from provenance import write
from scipy.stats import ConstantInputWarning, DegenerateDataWarning, bootstrap, rankdata, spearmanr

from latentclust.assemble.experiment import Experiment
from latentclust.assemble.start_plan import LOSSES, Criterion, StartPlan, start_plan
from latentclust.files import write_atomic
from latentclust.runs.dataset_scores import score_dataset
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.run import ExperimentAndTest, load_resolved_recipe, open_experiment
from latentclust.runs.start_figures import start_figures
from latentclust.train.callbacks import Callbacks
from latentclust.train.fabric import make_fabric
from latentclust.train.starts import StartCallbacks, Starts
from latentclust.train.starts_file import StartScore, StartsLog

FRACTIONS = (0.125, 0.25, 0.5, 0.95)

RESAMPLES = 2000

CHOSEN_BY = {2: (1,), 4: (0, 1)}
"""Indices of the fractions at which `train.starts = 2` and `4` decide by default."""

MAX_SUBSETS = 5000


def all_criteria(experiment: Experiment, extra: Sequence[str]) -> tuple[Criterion, ...]:
    """Return every criterion that the recipe can be scored by, each once."""
    recipe = experiment.resolved.recipe
    names = [*recipe.train.score_starts_by, *extra, "empty-clusters", "information"]
    names += [f"{LOSSES}{name}" for name, table in recipe.losses.items() if table.enabled and not table.stages]
    if {"encoder", "generator"} <= set(recipe.networks):
        names.append("recovery-error")
    return tuple({criterion.key: criterion for criterion in map(Criterion.parse, reversed(names))}.values())


def measure(opened: ExperimentAndTest, fabric: Fabric, folder: Path, plan: StartPlan, start: int) -> dict[str, Any]:
    """Train a start to the end, and return its criteria at each fraction with its metrics."""
    done = folder / "measured.json"
    if done.exists():
        return dict(json.loads(done.read_text()))
    experiment, tested = opened
    began = time.perf_counter()
    given = StartCallbacks(lambda _: Callbacks(), lambda trained, names: start_figures(trained, fabric.device, names))
    log = StartsLog(count=plan.count, criteria=tuple(criterion.name for criterion in plan.criteria))
    starts = Starts(experiment, fabric, folder, given, plan, log)
    partly = folder / "scores.json"
    scores = [StartScore(**score) for score in json.loads(partly.read_text())] if partly.exists() else []
    for number in range(len(scores), len(plan.decisions)):
        scores.append(starts.try_start(start, number))
        write_atomic(partly, json.dumps([score.model_dump() for score in scores]))
    trained, _ = starts.finish(start)
    found = score_dataset(trained_model(trained, fabric.device), tested).clustering
    measured = {
        "start": start,
        "seed": scores[0].seed,
        "criteria": [score.values for score in scores],
        "metrics": dict(found.metrics or {}),
        "occupancy": found.occupancy.tolist(),
        "table": None if found.table is None else found.table.tolist(),
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_atomic(done, json.dumps(measured, indent=2))
    return measured


def goodness(measured: Sequence[dict[str, Any]], at: int, criteria: Sequence[Criterion]) -> NDArray[np.float64]:
    """Return the rank of each start by some criteria in order of importance, greatest for the best."""
    keys = [tuple(criterion.badness(one["criteria"][at]) for criterion in criteria) for one in measured]
    order = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.asarray(rankdata([-order[key] for key in keys]), dtype=np.float64)


def correlation(ranks: NDArray[np.float64], accuracy: NDArray[np.float64]) -> list[float | None]:
    """Return Spearman's rank correlation with its 95% bootstrap interval; None where a value is constant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        warnings.simplefilter("ignore", DegenerateDataWarning)
        rho = spearmanr(ranks, accuracy).statistic
        found = bootstrap(
            (ranks, accuracy),
            lambda one, other: spearmanr(one, other).statistic,
            paired=True,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(0),
        )
    known = found.bootstrap_distribution[np.isfinite(found.bootstrap_distribution)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return [None if np.isnan(value) else round(float(value), 4) for value in (rho, low, high)]


def choices(
    measured: Sequence[dict[str, Any]], criteria: Sequence[Criterion], accuracy: NDArray[np.float64], count: int
) -> dict[str, float]:
    """Return the accuracy of the starts that are chosen from random subsets of `count`."""
    subsets = list(itertools.combinations(range(len(measured)), count))
    rng = np.random.default_rng(0)
    if len(subsets) > MAX_SUBSETS:
        subsets = [subsets[i] for i in rng.choice(len(subsets), MAX_SUBSETS, replace=False)]
    chosen = []
    for subset in subsets:
        alive = list(subset)
        for at in CHOSEN_BY[count]:
            alive.sort(key=lambda i: (*(c.badness(measured[i]["criteria"][at]) for c in criteria), i))
            alive = alive[: -(-len(alive) // 2)]
        chosen.append(accuracy[alive[0]])
    return summary(np.array(chosen)) | {
        "best_possible": round(float(np.mean([accuracy[list(s)].max() for s in subsets])), 4)
    }


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """Return mean, standard deviation, 5% quantile and least value."""
    found = {"mean": values.mean(), "std": values.std(), "q05": np.quantile(values, 0.05), "worst": values.min()}
    return {name: round(float(value), 4) for name, value in found.items()}


def findings(measured: Sequence[dict[str, Any]], plan: StartPlan, own: Sequence[Criterion]) -> dict[str, Any]:
    """Return correlations and choices over the starts that are finished."""
    accuracy = np.array([one["metrics"]["accuracy"] for one in measured])
    sets = {"train.score_starts_by": tuple(own)} | {criterion.name: (criterion,) for criterion in plan.criteria}
    enough = len(measured) > max(CHOSEN_BY)
    return {
        "score_starts_by": [criterion.name for criterion in own],
        "accuracy": summary(accuracy),
        "spearman": {
            name: {
                str(fraction): correlation(goodness(measured, at, criteria), accuracy)
                for at, fraction in enumerate(FRACTIONS)
            }
            for name, criteria in sets.items()
            if enough
        },
        "chosen": {
            name: {str(count): choices(measured, criteria, accuracy, count) for count in CHOSEN_BY}
            for name, criteria in sets.items()
            if enough
        },
        "starts": list(measured),
    }


def main() -> None:
    """Measure a recipe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--criteria", nargs="*", default=[], help="further criteria, such as chains.occupied")
    parser.add_argument("--label", default="", help="appended to the result's name")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name = Path(options.recipe).stem + options.label
    opened = open_experiment(load_resolved_recipe(options.recipe, options.settings))
    fabric = make_fabric(options.device, 1)
    recipe = opened[0].resolved.recipe
    own = start_plan(recipe)
    decisions = tuple(round(fraction * recipe.train.rounds) for fraction in FRACTIONS)
    plan = replace(own, count=options.starts, decisions=decisions, criteria=all_criteria(opened[0], options.criteria))
    measured = []
    for start in range(1, options.starts + 1):
        folder = Path("runs/benchmarks") / f"starts-{name}" / f"start-{start}"
        measured.append(measure(opened, fabric, folder, plan, start))
        accuracy = measured[-1]["metrics"]["accuracy"]
        values = {key: round(value, 4) for key, value in measured[-1]["criteria"][1].items()}
        print(f"start {start}: accuracy {accuracy:.4f}, at a quarter {values}", flush=True)
        found = findings(measured, plan, own.criteria)
        path = write(f"starts-{name}", {"settings": options.settings, **found})
    for criterion, at in found["spearman"].items():
        chosen = {count: scores["mean"] for count, scores in found["chosen"][criterion].items()}
        print(f"{criterion}: Spearman with interval {at}, mean accuracy of the choice by starts {chosen}", flush=True)
    print(f"{path}: accuracy of a single start {found['accuracy']}", flush=True)


if __name__ == "__main__":
    main()

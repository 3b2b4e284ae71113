"""Measure whether choose-k finds a known number of clusters: `python benchmarks/choose_k.py CASE ... [--again]`.

The cases are below; `mixture` generates six Gaussians in ten dimensions. Every training is kept in
`runs/benchmarks/choose-k-CASE/`, so that the same command resumes, and `--clusters` may add numbers. The result is
written to `benchmarks/results/choose-k-CASE.json`, and `--again` applies the rule to the scores in that file. The rule
was chosen on generated data (`choose_k_generated.py`).
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from provenance import RESULTS, as_text, provenance, write

from latentclust.cluster_number.choice import Choice
from latentclust.cluster_number.choose import choose_k
from latentclust.cluster_number.cluster_range import parse_clusters
from latentclust.cluster_number.k_scores import KScores, Spread
from latentclust.cluster_number.suggestion import Suggestion, suggest
from latentclust.evaluate.kmeans_reference import KMeansScores

GAUSSIANS, DIMENSIONS, EACH, DEVIATION = 6, 10, 200, 0.1
"""The mixture: number of Gaussians, dimensions, points of each, and their standard deviation along each axis."""

LOW, HIGH = 0.2, 0.8
"""Range of the coordinates of the means, which are uniform."""

TOLERANCE = 1
"""A suggestion is right if it has a number at most this far from the known one."""

RUNS = Path("runs/benchmarks")
POINTS = RUNS / "mixture.npz"

MIXTURE: dict[str, Any] = {
    "schema": 1,
    "extends": "dccs@1",
    "name": "mixture",
    "data": {"use": "array", "path": str(POINTS)},
    "views": {
        "view": {
            "use": "point-affine",
            "rotation": 0.0,
            "scale": [1.0, 1.0],
            "aspect": [1.0, 1.0],
            "shear": 0.0,
            "shift": 0.0,
            "noise": 0.05,
        }
    },
    "prior": {"style_dim": 5},
    "networks": {
        "encoder": {"use": "mlp", "hidden": [64, 64], "norm": "batch", "init": "xavier-normal"},
        "critic": {"hidden": [64, 64]},
        "discriminator": {"hidden": [64, 64]},
    },
    "tables": {"neighbour": {"use": "nearest-neighbours", "count": 5}},
    "losses": {
        "neighbours": {
            "use": "augmentation-invariance",
            "player": "encoder",
            "weight": 2.0,
            "on": {"code_of_view": "code_of_neighbour"},
        },
        "mutual-information": {"weight": 0.25},
    },
    "players": {name: {"optimizer": {"lr": {"start": 1e-3, "end": 1e-4}}} for name in ("critic", "encoder")},
    "train": {"rounds": 800, "batch_size": 128},
}
"""DCCS on vectors: views with noise, and neighbours in the same cluster."""


@dataclass(frozen=True)
class Case:
    """A data set with a known number of clusters.

    Attributes:
        recipe: Recipe, or its tables.
        known: Known number of clusters.
        clusters: Numbers that are compared.
        rounds_fraction: Part of the recipe's rounds.
        settings: Overrides.
    """

    recipe: str | dict[str, Any]
    known: int
    clusters: str
    rounds_fraction: float
    settings: dict[str, Any] = field(default_factory=dict)


CASES = {
    "mixture": Case(MIXTURE, GAUSSIANS, "3..9", 0.5),
    "mixture-quarter": Case(MIXTURE, GAUSSIANS, "3..9", 0.25),
    "digits": Case("digits", 10, "8..12", 0.5),
    "digits-vectors": Case("digits-vectors", 10, "7..13", 0.5),
    "digits-quarter": Case("digits", 10, "8..12", 0.25),
    "usps": Case("usps-scan", 10, "8..12", 0.5),
    "dubai5": Case("dubai5-mixture", 5, "3..8", 0.25),
}


def write_mixture(path: Path) -> None:
    """Write the points of the mixture, `(n, d)` in [0, 1], with their Gaussians."""
    rng = np.random.default_rng(0)
    means = rng.uniform(LOW, HIGH, (GAUSSIANS, DIMENSIONS)).repeat(EACH, axis=0)
    points = np.clip(means + DEVIATION * rng.standard_normal(means.shape), 0, 1).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, x=points, y=np.repeat(np.arange(GAUSSIANS), EACH))


def row(score: KScores) -> dict[str, Any]:
    """Return the scores of one number of clusters, each as mean and standard deviation."""
    kmeans = score.kmeans
    spreads = {
        "ari_subsamples": score.subsamples,
        "ari_same_images": score.same_data,
        "prediction_strength": score.strength,
        "occupied": score.occupied,
        "used": score.used,
        "criterion": score.criterion,
    }
    return {
        "clusters": score.clusters,
        **{name: _short(spread) for name, spread in spreads.items()},
        "ari_by_chance": round(score.chance, 4),
        "kmeans": {
            "silhouette": None if kmeans.silhouette is None else round(kmeans.silhouette, 4),
            "gap": [round(kmeans.gap, 4), round(kmeans.gap_error, 4)],
            "ari": round(kmeans.stability, 4),
        },
        "failed": list(score.failed),
        "collapsed": score.collapsed,
    }


def _short(spread: Spread | None) -> list[float | None] | None:
    return spread and [round(spread.mean, 4), None if spread.std is None else round(spread.std, 4)]


def stored_score(stored: dict[str, Any]) -> KScores:
    """Return the scores of a row of a result. Their values of single trainings and pairs are not stored."""

    def spread(name: str) -> Spread | None:
        return Spread(*stored[name], values=()) if stored[name] else None

    kmeans = KMeansScores(*stored["kmeans"]["gap"], stored["kmeans"]["silhouette"], stored["kmeans"]["ari"], math.nan)
    return KScores(
        clusters=stored["clusters"],
        trained=0,
        failed=tuple(stored["failed"]),
        same_data=spread("ari_same_images"),
        subsamples=spread("ari_subsamples"),
        strength=spread("prediction_strength"),
        criterion=spread("criterion"),
        losses={},
        occupied=spread("occupied"),
        used=spread("used"),
        kmeans=kmeans,
        chance=stored["ari_by_chance"],
        collapsed=stored["collapsed"],
    )


def suggest_again(name: str) -> str:
    """Apply the rule to the stored scores of a case, and write its suggestion. Return the sentence."""
    path = RESULTS / f"choose-k-{name}.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    found = suggest([stored_score(one) for one in stored["scores"]])
    stored |= chosen(CASES[name].known, found) | {"rule": provenance()}
    path.write_text(as_text(stored) + "\n", encoding="utf-8")
    return found.sentence


def chosen(known: int, found: Suggestion) -> dict[str, Any]:
    """Return the sentence, the number that each rule chooses, and whether it is within one of the known one."""
    numbers = {
        "choose-k": found.number,
        "stability": found.by_stability,
        "prediction strength": found.by_strength,
        "silhouette of k-means": found.by_silhouette,
        "gap statistic of k-means": found.by_gap,
    }
    return {
        "sentence": found.sentence,
        "chosen": numbers,
        "within_one": {name: value is not None and abs(value - known) <= TOLERANCE for name, value in numbers.items()},
    }


def findings(case: Case, choice: Choice) -> dict[str, Any]:
    """Return what is written: the suggestion of each rule, whether it is right, and the scores."""
    return {
        "recipe": choice.recipe,
        "settings": case.settings,
        "known": case.known,
        "seeds": choice.seeds,
        "subsample": choice.subsample,
        "rounds": choice.rounds,
        "rounds_fraction": choice.rounds_fraction,
        "samples": choice.samples,
        "compared": [choice.compared, choice.unit],
        **chosen(case.known, choice.suggestion),
        "scores": [row(score) for score in choice.scores],
    }


def measure(name: str, options: argparse.Namespace) -> str:
    """Train for a case, and write the scores and the suggestion. Return the sentence."""
    case = CASES[name]
    if case.recipe is MIXTURE:
        write_mixture(POINTS)
    choice = choose_k(
        case.recipe,
        parse_clusters(options.clusters or case.clusters),
        case.settings,
        seeds=options.seeds,
        rounds_fraction=case.rounds_fraction,
        out=RUNS / f"choose-k-{name}",
        workers=options.workers,
        device=options.device,
    )
    write(f"choose-k-{name}", findings(case, choice))
    return choice.suggestion.sentence


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options. Those of trainings are refused with `--again`, which trains nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", nargs="+", choices=[*CASES])
    parser.add_argument("--again", action="store_true", help="apply the rule to the stored scores")
    trainings: dict[str, Any] = {"clusters": None, "seeds": 3, "workers": 1, "device": "cpu"}
    for name, default in trainings.items():
        parser.add_argument(f"--{name}", type=int if isinstance(default, int) else str)
    options = parser.parse_args(words)
    given = [name for name in trainings if getattr(options, name) is not None]
    if options.again and given:
        parser.error(f"--again trains nothing: remove {', '.join(f'--{name}' for name in given)}")
    vars(options).update({name: default for name, default in trainings.items() if name not in given})
    return options


def main() -> None:
    """Measure cases."""
    options = parsed()
    torch.set_num_threads(1)
    for name in options.case:
        print(f"{name}: {suggest_again(name) if options.again else measure(name, options)}")


if __name__ == "__main__":
    main()

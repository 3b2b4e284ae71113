"""Compare rules for the number of clusters on generated cases: `python benchmarks/choose_k_generated.py [--again]`.

`choose_k_trainings.py` trains the cases beforehand. Every candidate is measured on the set `choosing`; the rule of
choose-k and the single scores also on the set `held-out`. The result is `benchmarks/results/choose-k-generated.json`.
`--again` writes the facts of the study and the comparison of weights anew, from the measures in that file.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from choose_k_trainings import REFERENCES, SEEDS, SUBSAMPLE, SYSTEMS, kmeans_file, labels_file
from generated_clusters import COUNT, SETS, Generated, generated_cases
from provenance import RESULTS, as_text, provenance, write

from latentclust.cluster_number.k_scores import KScores, score_number
from latentclust.cluster_number.settings import LEAST_SEEDS, BriefTraining, part_of, subsample_indices
from latentclust.cluster_number.suggestion import (
    agreeing,
    agreement_with,
    between,
    by_gap,
    by_silhouette,
    by_stability,
    by_strength,
    suggest,
    upper_median,
)
from latentclust.cluster_number.training_result import TrainingResult
from latentclust.evaluate.kmeans_reference import KMeansScores

PARTS = {number: np.isin(np.arange(COUNT), subsample_indices(COUNT, SUBSAMPLE, 0, number)) for number in (1, 2)}

Curve = Sequence[KScores]
Rule = Callable[[Curve], int | None]

SINGLE: dict[str, Rule] = {
    "stability": by_stability,
    "prediction strength": by_strength,
    "silhouette of k-means": by_silhouette,
    "gap statistic of k-means": by_gap,
}

AGREEMENTS = (0.0, 0.3, 0.4, 0.5, 0.6)
"""Least agreements of two trainings with the suggested number that were tried."""

CONTROL_WEIGHT = 0.5
"""Weight of the share of points without clusters for which a rule suggests a number, in its score."""

OTHER_WEIGHTS = (0.0, 0.1, 0.25, 1.0)
"""Other weights, for which the best rule is stated too."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a case with one system and a number of seeds."""

    case: Generated
    system: str
    seeds: int
    curve: Curve


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule: `least` of the single rules agree within one, and two trainings agree with `agreement`.

    With `inside`, silhouette and gap statistic count only between the smallest and the largest number.
    """

    rules: tuple[str, ...]
    least: int
    inside: bool
    agreement: float

    def __call__(self, curve: Curve) -> int | None:
        """Return the number that is suggested, or None."""
        found = [between(n, curve) if self.inside and "k-means" in name else n for name, n in self._votes(curve)]
        compared = [score.clusters for score in curve]
        agreed = agreeing([number for number in found if number is not None], compared)
        number = upper_median(agreed) if len(agreed) >= self.least else None
        return None if number is None or agreement_with(curve, number) < self.agreement else number

    def _votes(self, curve: Curve) -> Iterator[tuple[str, int | None]]:
        return ((name, SINGLE[name](curve)) for name in self.rules)


def candidates() -> Iterator[Candidate]:
    """Yield two or more of three or four single rules, with all least agreements."""
    for count, inside, agreement in itertools.product((3, 4), (False, True), AGREEMENTS):
        for rules in itertools.combinations(SINGLE, count):
            for least in range(2, count):
                yield Candidate(rules, least, inside, agreement)


def curves(case: Generated) -> Iterator[Scored]:
    """Yield the scores of a case by each system, with three and with four seeds."""
    stored = json.loads(kmeans_file(case).read_text(encoding="utf-8"))
    kmeans = {int(number): KMeansScores(**scores) for number, scores in stored.items()}
    for system, seeds in itertools.product(SYSTEMS, (LEAST_SEEDS, SEEDS)):
        labels = np.load(labels_file(case, system)).astype(np.int64)
        curve = [
            score_number(
                clusters,
                {BriefTraining(clusters, s, part_of(s)): TrainingResult(own[s - 1]) for s in range(1, seeds + 1)},
                PARTS,
                kmeans.__getitem__,
            )
            for clusters, own in zip(case.clusters(), labels, strict=True)
        ]
        yield Scored(case, system, seeds, curve)


def measure(rule: Rule, scored: Sequence[Scored]) -> dict[str, Any]:
    """Return shares of cases with clusters that are within one, wrong or without a suggestion, and of the others."""
    known = [(rule(one.curve), one.case.known) for one in scored if one.case.known]
    controls = [rule(one.curve) for one in scored if not one.case.known]
    right = [found is not None and abs(found - number) <= 1 for found, number in known]
    none = [found is None for found, _ in known]
    return {
        "within_one": _share(right),
        "wrong": _share([not a and not b for a, b in zip(right, none, strict=True)]),
        "none": _share(none),
        "without_clusters_suggested": _share([found is not None for found in controls]),
        "cases": [len(known), len(controls)],
    }


def score(measured: dict[str, Any], weight: float = CONTROL_WEIGHT) -> float:
    """Return the score by which the rule was chosen."""
    suggested = measured["without_clusters_suggested"] or 0.0
    return round(measured["within_one"] - measured["wrong"] - weight * suggested, 4)


def _share(values: Sequence[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def by_kind(rule: Rule, scored: Sequence[Scored]) -> dict[str, Any]:
    """Return the measures by system, number of seeds, known number, separation, dimensions and shape."""
    kinds: dict[str, Callable[[Scored], Any]] = {
        "system": lambda one: one.system,
        "seeds": lambda one: one.seeds,
        "known": lambda one: one.case.known,
        "separation": lambda one: one.case.separation,
        "dimensions": lambda one: one.case.dimensions,
        "shape": lambda one: one.case.shape,
    }
    return {
        kind: {
            str(value): measure(rule, [one for one in scored if of(one) == value])
            for value in sorted({of(one) for one in scored})
        }
        for kind, of in kinds.items()
    }


def facts() -> dict[str, Any]:
    """Return the settings of the study, and the number of its point sets: with clusters, and without."""
    known = {name: [case.known > 0 for case in generated_cases() if case.set == name] for name in SETS}
    return {
        "points": COUNT,
        "point_sets": {name: [sum(own), len(own) - sum(own)] for name, own in known.items()},
        "seeds": [LEAST_SEEDS, SEEDS],
        "systems": list(SYSTEMS),
        "subsample": SUBSAMPLE,
        "references": REFERENCES,
        "score": f"within_one - wrong - {CONTROL_WEIGHT:g} * without_clusters_suggested",
    }


def by_weight(tried: Sequence[dict[str, Any]], choosing: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the best candidate or single rule by weight of the points without clusters, beside choose-k."""
    single = [measured | {"rules": [name]} for name, measured in choosing.items() if name != "choose-k"]
    found = []
    for weight in sorted((CONTROL_WEIGHT, *OTHER_WEIGHTS)):
        best = max([*tried, *single], key=lambda one: score(one, weight))
        which = {name: best[name] for name in ("rules", "least", "inside", "agreement") if name in best}
        found.append(
            {"weight": weight, "best": {"score": score(best, weight), **which}}
            | {"choose-k": score(choosing["choose-k"], weight)}
        )
    return found


def write_again() -> Path:
    """Write the facts and the comparison of weights anew, from the stored measures."""
    path = RESULTS / "choose-k-generated.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    weights = {"by_weight": by_weight(stored["candidates"], stored["choosing"])}
    head = {name: stored[name] for name in provenance()}
    new = facts() | weights | {"facts": provenance()}
    path.write_text(
        as_text(head | new | {name: stored[name] for name in stored if name not in new}) + "\n", encoding="utf-8"
    )
    return path


def main() -> None:
    """Measure the rules, or write the facts anew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true", help="write the facts of the study from the stored measures")
    print(write_again() if parser.parse_args().again else write("choose-k-generated", findings()))


def findings() -> dict[str, Any]:
    """Measure all candidates on the first set, and the rule of choose-k and the single ones on both."""
    scored = [one for case in generated_cases() for one in curves(case)]
    choosing, held_out = ([one for one in scored if one.case.set == name] for name in SETS)
    rules: dict[str, Rule] = {"choose-k": lambda curve: suggest(curve).number, **SINGLE}
    tried = [(candidate, measure(candidate, choosing)) for candidate in candidates()]
    tried.sort(key=lambda one: -score(one[1]))
    described = [
        {
            "rules": list(candidate.rules),
            "least": candidate.least,
            "inside": candidate.inside,
            "agreement": candidate.agreement,
            "score": score(measured),
            **measured,
        }
        for candidate, measured in tried
    ]
    on_choosing = {name: measure(rule, choosing) for name, rule in rules.items()}
    return facts() | {
        "by_weight": by_weight(described, on_choosing),
        "held-out": {name: measure(rule, held_out) for name, rule in rules.items()},
        "choosing": on_choosing,
        "held-out_by_kind": by_kind(rules["choose-k"], held_out),
        "candidates": described,
    }


if __name__ == "__main__":
    main()

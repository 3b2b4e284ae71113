"""Sentences and table rows about a run that both report.md and the terminal show."""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import chi2_contingency

from latentclust.evaluate.clustering import class_scores
from latentclust.evaluate.match import UNMATCHED
from latentclust.report.display_names import IN_USE, class_names, display_name, format_score, label_free_name
from latentclust.report.facts import OWN, RunFacts

TRIAL = "This is a trial with a tenth of the recipe's rounds. It is not a result."

EXPECTED_BASELINE = {"samples": "kmeans", "pixels": "pixel-kmeans"}
"""Baseline whose absence is pointed out, by the unit of the counts."""

CHANCE_LEVEL = 0.01
"""Level of the test whether clusters depend on classes."""

CLASS_COLUMNS = ("class", "pixels", "share", "cluster", "IoU", "recall")
"""Headings of `class_rows`."""


def baseline_verdicts(facts: RunFacts) -> list[str]:
    """Return one sentence per baseline that compares it with the result. Without ground truth there is none."""
    if facts.metrics is None:
        return []
    baselines = facts.baselines or {}
    if (chance := chance_sentence(facts)) is not None:
        return [chance]
    sentences = [_verdict(facts.metrics, name, scores) for name, scores in baselines.items()]
    sentences += [_found(name, scores) for name, scores in baselines.items() if "clusters-found" in scores]
    if EXPECTED_BASELINE[facts.protocol.unit] not in {name.partition("-on-")[0] for name in baselines}:
        of_pixels = " of pixels" * (facts.protocol.unit == "pixels")
        sentences.append(
            f"K-means{of_pixels} was not run on the same data, so nothing here shows that the recipe beats it."
        )
    return sentences


def chance_sentence(facts: RunFacts) -> str | None:
    """Return a sentence if the clusters are independent of the classes by a chi-squared test. Otherwise None."""
    if facts.table is None:
        return None
    counted = facts.table[facts.table.any(axis=1)][:, facts.table.any(axis=0)]
    if counted.shape[1] < 2:
        return None
    p = chi2_contingency(counted).pvalue if len(counted) > 1 else 1.0
    if p < CHANCE_LEVEL:
        return None
    return (
        f"The clusters are no better than chance: they do not depend on the {counted.shape[1]} classes (chi-squared "
        f"test, p = {p:.2g}), so a comparison with baselines says nothing."
    )


def loses_to(metrics: Mapping[str, float], scores: Mapping[str, float]) -> list[str]:
    """Return the metrics in which the baseline's scores are higher than the result's."""
    return [name for name in metrics if name in scores and metrics[name] < scores[name]]


def chain_sentence(facts: RunFacts) -> str | None:
    """Return a sentence about the agreement of independent chains. None for an inference without chains."""
    if facts.chains is None:
        return None
    return f"Independent chains put {facts.chains.agreement:.1%} of the {facts.protocol.unit} into the same cluster."


def pixel_sentence(facts: RunFacts) -> str:
    """Return the number of valid pixels, the number of scored pixels and the mean confidence, as sentences."""
    pixels = int(facts.occupancy.sum())
    scored = 0 if facts.table is None else int(facts.table.sum())
    with_label = f"; {scored:,} of them have a label and are scored" if scored else ""
    confidence = "" if facts.confidence is None else f" Mean confidence: {facts.confidence:.3f}."
    return f"{pixels:,} pixels are valid{with_label}.{confidence}"


def label_free_sentence(facts: RunFacts) -> str:
    """Return what the scores without labels mean."""
    count = 0 if facts.label_free is None else facts.label_free.count
    return (
        f"On {count:,} {facts.protocol.unit}. ARI and NMI are the agreement of a baseline's clusters with the run's: 0 "
        "is chance, 1 the same clusters. A silhouette is high, at most 1, if clusters are compact and apart, in the "
        "category code, in the features of the network or in the values of the images."
    )


def label_free_rows(facts: RunFacts) -> list[list[str]]:
    """Return header and rows of the scores without labels: a column for the run and for each baseline."""
    scores = {} if facts.label_free is None else facts.label_free.scores
    header = ["", *(facts.recipe if name == OWN else display_name(name) for name in scores)]
    return [header, *([label_free_name(n), *_shown(n, scores.values())] for n in label_free_names(scores.values()))]


def label_free_names(scores: Iterable[Mapping[str, float]]) -> list[str]:
    """Return the names of scores without labels: agreement, silhouettes, then clusters in use."""
    return sorted({name for row in scores for name in row}, key=lambda name: (name == IN_USE, name))


def format_label_free(name: str, value: float | None) -> str:
    """Return a score without labels, or a dash for None."""
    if value is None:
        return "–"
    return f"{value:g}" if name == IN_USE else format_score(value)


def _shown(name: str, scores: Iterable[Mapping[str, float]]) -> list[str]:
    return [format_label_free(name, row.get(name)) for row in scores]


def class_rows(facts: RunFacts) -> list[list[str]]:
    """Return one row per class of label maps, with `CLASS_COLUMNS`. Without ground truth there are no rows."""
    if facts.table is None or facts.matching is None:
        return []
    scores = class_scores(facts.table, facts.matching)
    names = class_names(facts.classes, len(scores.pixels))
    share = scores.pixels / scores.pixels.sum()
    return [
        [
            name,
            f"{scores.pixels[index]:,}",
            f"{share[index]:.1%}",
            "none" if scores.cluster[index] == UNMATCHED else f"{scores.cluster[index] + 1}",
            _score_or_dash(scores.iou[index]),
            _score_or_dash(scores.recall[index]),
        ]
        for index, name in enumerate(names)
    ]


def _verdict(metrics: Mapping[str, float], name: str, scores: Mapping[str, float]) -> str:
    baseline, lost = display_name(name), loses_to(metrics, scores)
    won = [key for key in metrics if key in scores and metrics[key] > scores[key]]
    if not lost:
        return (
            f"The recipe beats {baseline} in {_pairs(won, metrics, scores)}."
            if won
            else (f"The recipe does not beat {baseline}.")
        )
    but = f", and beats it in {_pairs(won, metrics, scores)}" if won else ""
    return f"The recipe loses to {baseline} in {_pairs(lost, metrics, scores)}{but}."


def _found(name: str, scores: Mapping[str, float]) -> str:
    """Return what a baseline that finds the number of clusters found."""
    noise = f"; {scores['noise']:.1%} of the samples are noise, scored as one more cluster" if scores["noise"] else ""
    return f"{display_name(name)} found {scores['clusters-found']:.0f} clusters{noise}."


def _pairs(names: list[str], metrics: Mapping[str, float], scores: Mapping[str, float]) -> str:
    """Return metrics with the scores of the result and of the baseline."""
    return _listed(
        [f"{display_name(name)} ({format_score(metrics[name])} against {format_score(scores[name])})" for name in names]
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _score_or_dash(value: float) -> str:
    return "–" if np.isnan(value) else format_score(float(value))

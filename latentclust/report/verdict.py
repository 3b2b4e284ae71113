"""Whether a result was worth its trouble: the plain sentence about each baseline."""

from collections.abc import Mapping

from latentclust.report.display_names import display_name, format_score
from latentclust.report.facts import RunFacts

EXPECTED_BASELINE = {"samples": "kmeans", "pixels": "pixel-kmeans"}
"""The baseline whose absence is remarked on, by what is counted."""


def baseline_verdicts(facts: RunFacts) -> list[str]:
    """A sentence a baseline, saying where the recipe loses to it; nothing without ground truth."""
    if facts.metrics is None:
        return []
    baselines = facts.baselines or {}
    sentences = [_verdict(facts.metrics, name, scores) for name, scores in baselines.items()]
    if EXPECTED_BASELINE[facts.protocol.unit] not in baselines:
        of_pixels = " of pixels" * (facts.protocol.unit == "pixels")
        sentences.append(
            f"K-means{of_pixels} was not run on the same data, so nothing here shows that the recipe beats it."
        )
    return sentences


def chain_sentence(facts: RunFacts) -> str | None:
    """How far independent chains agree, in a sentence; None for an inference without chains."""
    if facts.chains is None:
        return None
    return f"Independent chains put {facts.chains.agreement:.1%} of the {facts.protocol.unit} into the same cluster."


def loses_to(metrics: Mapping[str, float], scores: Mapping[str, float]) -> list[str]:
    """The metrics in which the baseline's scores are higher than the result's."""
    return [name for name in metrics if name in scores and metrics[name] < scores[name]]


def _verdict(metrics: Mapping[str, float], name: str, scores: Mapping[str, float]) -> str:
    lost = loses_to(metrics, scores)
    if lost:
        where = _listed(
            [f"{display_name(key)} ({format_score(metrics[key])} against {format_score(scores[key])})" for key in lost]
        )
        return f"The recipe loses to {display_name(name)} in {where}."
    won = [display_name(key) for key in metrics if key in scores and metrics[key] > scores[key]]
    return (
        f"The recipe beats {display_name(name)} in {_listed(won)}."
        if won
        else f"The recipe is no better than {display_name(name)}."
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

"""Alarms: sentences about clusters that a run has lost, with the likely cause and what to change."""

from collections.abc import Sequence

from latentclust.evaluate.empty_clusters import NEAR_EMPTY_SHARE, find_empty
from latentclust.report.facts import RunFacts

GENERAL_ADVICE = "Compare several train.starts, or try another seed, a lower learning rate or more rounds."

IN_A_TRIAL = "A trial may be too short to use every cluster. If the whole run has empty clusters, too:"
"""Precedes the advice after a trial."""

MAX_LISTED = 10
"""Maximum number of clusters that a sentence lists."""


def alarms(facts: RunFacts) -> list[str]:
    """Return a sentence or more about the empty clusters and one about the near-empty ones; empty if all are in use."""
    found = find_empty(facts.occupancy)
    sentences = []
    if found.empty:
        sentences.append(_empty(facts, found.empty))
    if found.near_empty:
        are, they = ("is", "It is a rare class") if len(found.near_empty) == 1 else ("are", "They are rare classes")
        sentences.append(
            f"{_count(facts, found.near_empty)} {are} near-empty{_listed(found.near_empty)}: below "
            f"{NEAR_EMPTY_SHARE:g} of the mean size. {they}, or about to be lost."
        )
    return sentences


def _empty(facts: RunFacts, empty: Sequence[int]) -> str:
    are, its = ("is", "Its") if len(empty) == 1 else ("are", "Their")
    posterior = ""
    if facts.by_cluster is not None:
        largest = facts.by_cluster.largest[list(empty)].max()
        posterior = f" {its} largest probability on any of the {facts.protocol.unit} is {largest:.2g}."
    return " ".join(
        (
            f"{_count(facts, empty)} {are} empty{_listed(empty)}.{posterior}",
            *([IN_A_TRIAL] if facts.trial else []),
            *(facts.advice or (GENERAL_ADVICE,)),
        )
    )


def _count(facts: RunFacts, clusters: Sequence[int]) -> str:
    return f"{len(clusters)} of {facts.clusters} clusters"


def _listed(clusters: Sequence[int]) -> str:
    """Return the clusters in brackets, counted from 1."""
    shown = [f"{cluster + 1}" for cluster in clusters[:MAX_LISTED]]
    return f" ({', '.join(shown)}{', …' * (len(clusters) > MAX_LISTED)})"

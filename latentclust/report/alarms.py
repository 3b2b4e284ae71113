"""Alarms: sentences about clusters that a run has lost or not learned, with the likely cause and what to change."""

from collections.abc import Sequence

import numpy as np

from latentclust.evaluate.empty_clusters import NEAR_EMPTY_SHARE, find_empty
from latentclust.evaluate.seeds import has_collapsed
from latentclust.report.facts import RunFacts

GENERAL_ADVICE = "Compare several train.starts, lower players.NAME.optimizer.lr, or raise train.rounds."

UNTRAINED_ADVICE = "Change data.preprocess or the options of [inference], or lower prior.clusters."

IN_A_TRIAL = "A trial may be too short to use every cluster. If the whole run has empty clusters, too:"
"""Precedes the advice after a trial."""

MAX_LISTED = 10
"""Maximum number of clusters that a sentence lists."""


def alarms(facts: RunFacts) -> list[str]:
    """Return sentences about empty clusters, a collapse or clusters at chance, and about near-empty clusters.

    The first one ends with the likely cause and what to change.
    """
    found = find_empty(facts.occupancy)
    sentences = []
    if found.empty:
        sentences.append(_empty(facts, found.empty))
    elif has_collapsed(facts.occupancy):
        sentences.append(" ".join(("The run uses at most half of its clusters.", *remedies(facts))))
    elif facts.at_chance:
        sentences.append(" ".join(remedies(facts)))
    if found.near_empty:
        are, they = ("is", "It is a rare class") if len(found.near_empty) == 1 else ("are", "They are rare classes")
        sentences.append(
            f"{_count(facts, found.near_empty)} {are} near-empty{_listed(found.near_empty)}: below "
            f"{NEAR_EMPTY_SHARE:g} of the mean size. {they}, or about to be lost."
        )
    return sentences


def _empty(facts: RunFacts, empty: Sequence[int]) -> str:
    full = np.flatnonzero(facts.occupancy)
    are, its = ("is", "Its") if len(empty) == 1 else ("are", "Their")
    posterior = ""
    if facts.by_cluster is not None:
        largest = facts.by_cluster.largest[list(empty)].max()
        posterior = f" {its} largest probability on any of the {facts.protocol.unit} is {largest:.2g}."
    return " ".join(
        (
            *([f"Cluster {full[0] + 1} has all {facts.protocol.unit}."] if len(full) == 1 else []),
            f"{_count(facts, empty)} {are} empty{_listed(empty)}.{posterior}",
            *remedies(facts),
        )
    )


def remedies(facts: RunFacts) -> tuple[str, ...]:
    """Return the likely causes of bad clusters, with what to change: those that the run shows, or the recipe states."""
    general = GENERAL_ADVICE if facts.trained else UNTRAINED_ADVICE
    return (*([IN_A_TRIAL] if facts.trial else []), *(facts.causes or facts.advice or (general,)))


def _count(facts: RunFacts, clusters: Sequence[int]) -> str:
    return f"{len(clusters)} of {facts.clusters} clusters"


def _listed(clusters: Sequence[int]) -> str:
    """Return the clusters in brackets, counted from 1."""
    shown = [f"{cluster + 1}" for cluster in clusters[:MAX_LISTED]]
    return f" ({', '.join(shown)}{', …' * (len(clusters) > MAX_LISTED)})"

"""What a report is written from: plain values, so that it reads no model, no data and no recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.protocol import Protocol


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A figure of the report.

    Attributes:
        path: Relative to the report's folder, with forward slashes.
        caption: What is seen, as a sentence.
    """

    path: str
    caption: str


@dataclass(frozen=True, slots=True)
class ReadoutScores:
    """The same model read out by another inference.

    Attributes:
        metrics: Its scores, or None without ground truth.
        agreement: Share of the samples in clusters matched one to one with those of the model's own inference.
    """

    metrics: Mapping[str, float] | None
    agreement: float


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """How far an inference that samples can be trusted.

    Attributes:
        agreement: Share of the samples that independent chains put into the same cluster.
        lengths: Metrics by the chains' `steps`, on a part of the data; empty without ground truth.
    """

    agreement: float
    lengths: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One finished run.

    Attributes:
        recipe: Its name.
        recipe_text: The resolved recipe, TOML.
        protocol: What was trained and scored on, and how.
        seed: The run's seed.
        device: In words, such as `cpu`.
        seconds: Wall-clock time of the run.
        versions: Distribution to version, of all that provided parts.
        clusters: K.
        occupancy: Samples, or pixels, in each cluster, `(k,)`.
        stages: The parts of the training by name, with their first and last round; empty of a training without.
        selection: How the model was chosen among its rounds, without labels; a sentence.
        metrics: Scores by metric, or None without ground truth.
        baselines: Scores by baseline and metric, or None without ground truth.
        table: Counts `[cluster, class]`, or None without ground truth.
        matching: The class of each cluster, `(k,)`, -1 where it stands for none, or None without ground truth.
        classes: Class names in label order; empty where unknown.
        history: What was logged: `round`, and the value of each loss.
        readouts: The scores of other inferences, by name.
        chains: Of an inference that samples, or None.
        confidence: Mean probability of the chosen clusters, or None where it is not known.
        diagnostics: What was logged of its chains: `round`, and the value of each diagnostic.
        variant: A hash of the recipe but for its seed; runs of equal hash may be averaged.
        oracle: The round that labels would have chosen, as `round` and its scores, or None where it was not sought.
        warnings: What the user should know, a sentence each.
        figures: In the report's order.
    """

    recipe: str
    recipe_text: str
    protocol: Protocol
    seed: int
    device: str
    seconds: float
    versions: Mapping[str, str]
    clusters: int
    occupancy: NDArray[np.int64]
    selection: str
    metrics: Mapping[str, float] | None = None
    baselines: Mapping[str, Mapping[str, float]] | None = None
    table: NDArray[np.int64] | None = None
    matching: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    history: Sequence[Mapping[str, float]] = ()
    stages: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    readouts: Mapping[str, ReadoutScores] = field(default_factory=dict)
    chains: ChainFacts | None = None
    confidence: float | None = None
    diagnostics: Sequence[Mapping[str, float]] = ()
    variant: str = ""
    oracle: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()
    figures: tuple[ReportFigure, ...] = ()

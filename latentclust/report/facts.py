"""The plain values that a report is written from, without any model, data set or recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.empty_clusters import ClusterPosteriors
from latentclust.evaluate.protocol import Protocol
from latentclust.train.starts_file import StartsLog

OWN = "run"
"""Name of the run's own clustering among its baselines."""


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """A figure of the report.

    Attributes:
        path: Path relative to the report's folder, with forward slashes.
        caption: Caption of the figure, one sentence.
    """

    path: str
    caption: str


@dataclass(frozen=True, slots=True)
class ReadoutScores:
    """The scores of a model under another inference.

    Attributes:
        metrics: Scores by metric. None without ground truth.
        agreement: Share of the samples in matched clusters of this and the model's own inference, in [0, 1].
    """

    metrics: Mapping[str, float] | None
    agreement: float


@dataclass(frozen=True, slots=True)
class LabelFreeScores:
    """Scores of a run on data without labels, and of the baselines of its recipe.

    Attributes:
        count: Number of samples or pixels that were scored.
        scores: Scores by clustering and name; `OWN` is the run, whose agreement with a baseline is that baseline's
            `ari` and `nmi`.
    """

    count: int
    scores: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """The reliability of an inference that samples with chains.

    Attributes:
        agreement: Share of the samples that independent chains put into the same cluster, in [0, 1].
        lengths: Metrics for each number of `steps`, on a part of the data. Empty without ground truth.
    """

    agreement: float
    lengths: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """A plugin that was given to the run by a file, a module or a class.

    Attributes:
        name: Name of the file, the module or the class.
        sha256: SHA-256 of its source. Empty if the source is unknown.
        parts: Its parts that the recipe uses, such as `loss confidence-penalty`.
        copy: Path of the copy of its source, relative to the run folder. Empty if there is none.
    """

    name: str
    sha256: str
    parts: tuple[str, ...]
    copy: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts of one finished run.

    Attributes:
        recipe: Name of the recipe.
        recipe_text: Resolved recipe as TOML.
        protocol: Data and rules that the run was trained and scored by.
        seed: Seed of the run.
        device: Human-readable name of the device, such as `cpu`.
        seconds: Wall-clock time of the run in seconds.
        versions: Version of each distribution that provided parts.
        clusters: Number of clusters K.
        occupancy: Number of samples or pixels in each cluster, `(k,)`.
        selection: Text about how the weights were selected without labels, with a full stop.
        metrics: Scores by metric. None without ground truth.
        baselines: Scores by baseline and metric. None without ground truth.
        table: Counts `[cluster, class]`. None without ground truth.
        matching: Class of each cluster, `(k,)`, -1 for an unmatched cluster. None without ground truth.
        classes: Class names in label order. Empty if unknown.
        history: Log entries with `round` and the value of each loss.
        stages: First and last round of each stage by name. Empty for a training without stages.
        readouts: Scores of other inferences, by name.
        chains: Reliability of an inference that samples. None without chains.
        confidence: Mean probability of the chosen clusters. None if unknown.
        diagnostics: Log entries with `round` and the value of each diagnostic of the chains.
        variant: Hash of the recipe without its seed. Runs with the same hash may be averaged.
        oracle: Best round by labels, as `round` and its scores. None without a learning curve.
        precision: Precision of the networks in training, such as `bf16`. Empty if unknown.
        starts: Scores of all starts. None for a training with a single one.
        warnings: Warnings for the user, one sentence each.
        trial: Whether the run is a trial with a tenth of the recipe's rounds.
        trained: Whether the recipe trains networks, and does not only fit its inference.
        by_cluster: Largest and mean probability of each cluster. None if unknown.
        advice: Likely causes of an empty cluster and their remedies, as the losses of the recipe state them.
        causes: Signs that too little was learned, with the recipe keys to change. Empty if there is none.
        at_chance: Whether the mean confidence is near 1/K, its value at chance.
        label_free: Scores without labels. None with ground truth.
        names: Names that the user gave to clusters, counted from 1.
        naming: Sentences about the labels that named clusters.
        weights: Pretrained weights that the run read, each with how it was trained.
        features_seconds: Time in which the feature bank was computed, by this run or an earlier one; `seconds` does not
            include it. None without a bank.
        plugins: Plugins that were given, and need not be installed.
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
    precision: str = ""
    starts: StartsLog | None = None
    warnings: tuple[str, ...] = ()
    trial: bool = False
    trained: bool = True
    by_cluster: ClusterPosteriors | None = None
    advice: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    at_chance: bool = False
    label_free: LabelFreeScores | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    naming: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    features_seconds: float | None = None
    plugins: tuple[PluginFacts, ...] = ()

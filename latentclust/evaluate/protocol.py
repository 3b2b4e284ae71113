"""Protocols: the data and rules that a score was measured by, printed wherever the score is."""

from collections.abc import Iterable
from dataclasses import dataclass

from latentclust.specs.evaluation import MetricSpec


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules by which a clustering was trained and scored.

    Attributes:
        name: Name of the protocol, such as `mnist-all`.
        data: Data set, with its number of samples if known.
        train_split: Part of the data that was trained on.
        test_split: Part of the data that was scored.
        clusters: Number of clusters K.
        matching: Rule that assigns classes to clusters.
        nmi: Mean of the two entropies that normalises the mutual information.
        unit: Unit of the counts: samples or pixels.
        prepared: Published protocol by which the samples were made, in one line; empty if none.
        masked_by_labels: Whether ground truth decided which pixels count, in training too.
    """

    name: str
    data: str
    train_split: str
    test_split: str
    clusters: int
    matching: str = "hungarian one-to-one"
    nmi: str = "arithmetic"
    unit: str = "samples"
    prepared: str = ""
    masked_by_labels: bool = False

    def __str__(self) -> str:
        """Return the protocol in one line."""
        splits = f"trained on {self.train_split}, tested on {self.test_split}"
        scoring = f"{self.matching} matching, NMI by the {self.nmi} mean"
        made = f"; prepared by {self.prepared}" if self.prepared else ""
        return f"{self.name}: {self.data}, {splits}, {self.clusters} clusters, {scoring}{made}"


def nmi_average(metrics: Iterable[MetricSpec]) -> str:
    """Return the mean of the two entropies that the first metric with the option `average` normalises by."""
    averages = (options["average"] for options in (metric.model_dump() for metric in metrics) if "average" in options)
    return str(next(averages, "arithmetic"))

"""Protocols: what a number was measured on, and how, printed wherever the number is."""

from collections.abc import Iterable
from dataclasses import dataclass

from latentclust.specs.parts import MetricSpec


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a clustering was trained and scored.

    Attributes:
        name: What it is called, such as `mnist-all`.
        data: The data set, with its sample count where that is telling.
        train_split: The part that was trained on.
        test_split: The part that was scored.
        clusters: K.
        matching: How clusters were given classes.
        nmi: The mean of the two entropies that normalises the mutual information.
        unit: What is counted: samples, or pixels.
        prepared: By which published protocol the samples were made, in one line; empty where by none.
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
        """One line with everything above."""
        splits = f"trained on {self.train_split}, tested on {self.test_split}"
        scoring = f"{self.matching} matching, NMI by the {self.nmi} mean"
        made = f"; prepared by {self.prepared}" if self.prepared else ""
        return f"{self.name}: {self.data}, {splits}, {self.clusters} clusters, {scoring}{made}"


def nmi_average(metrics: Iterable[MetricSpec]) -> str:
    """The mean of the two entropies that the first metric with the option `average` normalises by."""
    averages = (options["average"] for options in (metric.model_dump() for metric in metrics) if "average" in options)
    return str(next(averages, "arithmetic"))

"""Protocols: what a number was measured on, and how, printed wherever the number is."""

from dataclasses import dataclass


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
    """

    name: str
    data: str
    train_split: str
    test_split: str
    clusters: int
    matching: str = "hungarian one-to-one"
    nmi: str = "arithmetic"

    def __str__(self) -> str:
        """One line with everything above."""
        splits = f"trained on {self.train_split}, tested on {self.test_split}"
        scoring = f"{self.matching} matching, NMI by the {self.nmi} mean"
        return f"{self.name}: {self.data}, {splits}, {self.clusters} clusters, {scoring}"

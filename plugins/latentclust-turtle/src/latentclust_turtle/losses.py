"""The two terms of TURTLE (Gadetsky et al. 2024, Eq. 12)."""

import math
from typing import final

import torch
from latentclust.api import Code, LossSpec, Scalar


@final
class LabelPrediction(LossSpec):
    """Cross-entropy of a learner's prediction and the labels of an encoder in nats, mean over samples.

    Two players minimise it: the learner fits the labels, and the encoder looks for labels that the learner predicts
    better. While one of them is trained the other is held, so that no gradient has to be stopped.
    """

    def __call__(self, code_of_real: Code, code_of_learner: Code) -> Scalar:
        """Return the term from two batches of logits, `(b, k)` each."""
        labels, predicted = code_of_real.probabilities.float(), code_of_learner.log_probabilities.float()
        return Scalar(-(labels * predicted).sum(dim=1).mean())

    def chance(self, clusters: int) -> float | None:
        """Return the value of uniform labels."""
        return math.log(clusters)


@final
class LabelEntropy(LossSpec):
    """Negative entropy of the mean label of a batch in nats, in [-log K, 0]. It keeps all samples from one label."""

    def __call__(self, code_of_real: Code) -> Scalar:
        """Return the term from logits `(b, k)`."""
        return Scalar(-torch.special.entr(code_of_real.probabilities.float().mean(dim=0)).sum())

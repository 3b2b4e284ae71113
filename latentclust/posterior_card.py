"""The summary of a posterior: how many images or pixels each cluster has, and with which confidence."""

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.cards import Card, Cells

MAX_ROWS = 20
"""Maximum number of clusters that are shown."""


def posterior_card(probabilities: Float[Tensor, "b k *s"], title: str) -> Card:
    """Return a table of the clusters by label, counted from 0 as in Python, of which the largest are shown.

    Args:
        probabilities: Cluster probabilities of images `(b, k)`, or of pixels `(b, k, h, w)`.
        title: Title of the card.
    """
    clusters = probabilities.shape[1]
    confidence, labels = (found.flatten() for found in probabilities.detach().max(dim=1))
    counts = torch.bincount(labels, minlength=clusters)
    sums = torch.zeros(clusters, dtype=torch.float64, device=labels.device).index_add_(0, labels, confidence.double())
    shown = sorted(counts.argsort(descending=True, stable=True)[:MAX_ROWS].tolist())
    left_out = f"the largest {MAX_ROWS} of {clusters} clusters" if clusters > MAX_ROWS else ""
    rows = [_row(label, int(counts[label]), len(labels), float(sums[label])) for label in shown]
    unit = "pixels" if probabilities.ndim > 2 else "images"
    return Card(title, [Cells(left_out, ["label", unit, "share", "mean confidence"], rows, left=frozenset())])


def _row(label: int, count: int, total: int, confidence: float) -> list[str]:
    mean = f"{confidence / count:.3f}" if count else "–"
    return [str(label), f"{count:,}", f"{count / total:.1%}" if total else "–", mean]

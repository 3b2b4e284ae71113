"""Prediction strength of clusters. Tibshirani and Walther, JCGS 14, 2005, equation 2."""

import numpy as np

from latentclust.evaluate.stability import Labels, pair_counts

STRONG = 0.8
"""Least prediction strength of a number of clusters that the authors accept; they name 0.8 to 0.9."""


def prediction_strength(found: Labels, predicted: Labels) -> float:
    """Return the least share, over the clusters, of the pairs of samples that the prediction puts together too.

    Clusters with a single sample have no pairs and do not count.

    Args:
        found: Clusters `(n,)` of samples by a clustering of them, 0-based.
        predicted: Clusters of the same samples by a model that was trained on others, 0-based.

    Returns:
        A share in [0, 1]; NaN if no cluster has two samples.
    """
    if not len(found):
        return float("nan")
    table = pair_counts(found, predicted, int(found.max()) + 1, int(predicted.max()) + 1).astype(np.float64)
    sizes = table.sum(axis=1)
    paired = sizes > 1
    if not paired.any():
        return float("nan")
    together = (table * (table - 1)).sum(axis=1)
    return float((together[paired] / (sizes * (sizes - 1))[paired]).min())

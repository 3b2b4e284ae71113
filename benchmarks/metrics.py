"""Time the contingency table of label maps and its metrics: `python benchmarks/metrics.py [--pixels 1000000000]`.

K = 27 clusters over 27 classes, a tenth of the pixels without ground truth, in chunks of the size that the evaluation
uses. Drawing a chunk is not timed. scikit-learn is timed on as many pixels as fit, after the results are compared.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from provenance import write
from sklearn import metrics as sklearn_metrics

from latentclust.bundled import metrics
from latentclust.data.open_feed import PIXELS_AT_ONCE
from latentclust.evaluate.clustering import class_scores
from latentclust.evaluate.match import UNMATCHED, hungarian
from latentclust.evaluate.segmentation import ContingencyCounter
from latentclust.specs.data import VOID, MapSource, SealedMaps
from latentclust.specs.evaluation import MetricSpec

K = 27
SIDE = 512
VOID_SHARE, HIT_SHARE = 0.1, 0.6
HELD = (10**6, 10**7)
"""Numbers of pixels for the comparison with scikit-learn."""

METRICS: Mapping[str, MetricSpec] = {
    "accuracy": metrics.Accuracy(),
    "macro-accuracy": metrics.MacroAccuracy(),
    "miou": metrics.MeanIntersectionOverUnion(),
    "nmi": metrics.NormalizedMutualInformation(),
    "ari": metrics.AdjustedRandIndex(),
    "purity": metrics.Purity(),
}

Chunk = tuple[NDArray[np.int64], NDArray[np.int16]]


class Held(MapSource):
    """Ground truth of the current chunk."""

    def __init__(self) -> None:
        """Start without a chunk."""
        self.truth = np.empty((0, SIDE, SIDE), np.int16)

    def __len__(self) -> int:
        """Return the number of maps in the chunk."""
        return len(self.truth)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return the whole chunk."""
        return self.truth


def main() -> None:
    """Time both and write benchmarks/results/metrics.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pixels", type=int, default=10**9)
    options = parser.parse_args()
    streamed(chunks(PIXELS_AT_ONCE))
    before = peak()  # of one chunk
    tally, seconds = streamed(chunks(options.pixels))
    ours = {
        "pixels": int(tally.occupancy.sum()),
        "seconds": round(seconds, 2),
        "pixels_per_s": round(options.pixels / seconds),
        "peak_mib_of_one_chunk": before,
        "peak_mib": peak(),
        "metrics": tally.scores(METRICS).metrics,
    }
    print(f"{ours['pixels']:,} pixels, K = {K}: {seconds:.1f} s, peak {before} then {ours['peak_mib']} MiB")
    beside = [compared(pixels) for pixels in HELD]
    print(write("metrics", {"clusters": K, "streamed": ours, "beside_scikit_learn": beside}))


def chunks(pixels: int) -> Iterator[Chunk]:
    """Clusters and classes `(m, SIDE, SIDE)`; the last chunk is cut to the number of pixels by void."""
    rng = np.random.default_rng(0)
    maps = PIXELS_AT_ONCE // SIDE**2
    for start in range(0, pixels, PIXELS_AT_ONCE):
        truth = rng.integers(0, K, (maps, SIDE, SIDE), dtype=np.int16)
        draw = rng.random(truth.shape, dtype=np.float32)
        predicted = np.where(draw < HIT_SHARE, truth, rng.integers(0, K, truth.shape, dtype=np.int16)).astype(np.int64)
        truth[draw > 1 - VOID_SHARE] = VOID
        predicted.reshape(-1)[max(0, pixels - start) :] = VOID
        yield predicted, truth


def streamed(drawn: Iterator[Chunk]) -> tuple[ContingencyCounter, float]:
    """Return the table of all chunks, and the seconds of the table and the metrics, without generating the chunks."""
    held = Held()
    tally = ContingencyCounter(K, SealedMaps(held), K)
    seconds = 0.0
    for predicted, held.truth in drawn:
        seconds += timed(lambda: tally.add(predicted, np.arange(len(predicted))))[1]  # noqa: B023 (called at once)
    return tally, seconds + timed(lambda: tally.scores(METRICS))[1]


def compared(pixels: int) -> dict[str, Any]:
    """Return the seconds of both on the same pixels. Raise AssertionError if a number differs."""
    drawn = list(chunks(pixels))
    tally, ours = streamed(iter(drawn))
    found, table = tally.scores(METRICS), tally.table
    assert found.metrics is not None
    assert table is not None
    predicted, truth = (np.concatenate([chunk[part].ravel() for chunk in drawn]) for part in (0, 1))
    known = (predicted != VOID) & (truth != VOID)
    (expected, counts), theirs = timed(lambda: scikit_learn(predicted[known], truth[known], hungarian(table)))
    np.testing.assert_array_equal(table, counts)
    for name, value in expected.items():
        assert abs(found.metrics[name] - value) < 1e-9, name  # both in float64, summed in another order
    assert abs(np.mean(class_scores(table, hungarian(table)).iou) - expected["miou"]) < 1e-9
    print(f"{pixels:,} pixels: {ours:.3f} s, scikit-learn {theirs:.2f} s")
    return {"pixels": pixels, "seconds": round(ours, 4), "scikit_learn_seconds": round(theirs, 3), "equal": True}


def scikit_learn(
    clusters: NDArray[np.int64], classes: NDArray[np.int16], matching: NDArray[np.int64]
) -> tuple[dict[str, float], NDArray[np.int64]]:
    """The same metrics of pixels `(n,)`, and the table; the matching, which it has none of, is given."""
    named = np.where(matching[clusters] == UNMATCHED, K, matching[clusters])
    table = sklearn_metrics.cluster.contingency_matrix(clusters, classes)
    every = list(range(K))
    found = {
        "accuracy": sklearn_metrics.accuracy_score(classes, named),
        "macro-accuracy": sklearn_metrics.recall_score(classes, named, labels=every, average="macro"),
        "miou": sklearn_metrics.jaccard_score(classes, named, labels=every, average="macro"),
        "nmi": sklearn_metrics.normalized_mutual_info_score(classes, clusters),
        "ari": sklearn_metrics.adjusted_rand_score(classes, clusters),
    }
    return found, table


def timed(play: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a function and its wall-clock seconds."""
    started = time.perf_counter()
    found = play()
    return found, time.perf_counter() - started


def peak() -> int:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()

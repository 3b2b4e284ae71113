"""Label maps that are kept while a data set is scored: independent of batches, bounded, alike for all runs."""

from collections.abc import Callable

import numpy as np

from latentclust.model.model import ClusteringModel
from latentclust.runs.dataset_scores import label_maps, score_dataset
from latentclust.runs.map_batch import MapBatch
from latentclust.runs.map_sample import LEAST_IMAGES, MOST_ASSIGNED, MOST_IMAGES, MapSample, MapSampler
from latentclust.specs.data import VOID


def sampled(maps: np.ndarray, size: int, clusters: int = 5) -> MapSample:
    sampler = MapSampler(len(maps), maps.shape[1:], clusters)
    for start in range(0, len(maps), size):
        part = maps[start : start + size]
        values = part.astype(np.float32)
        sampler.add(MapBatch(np.arange(start, start + len(part)), part, values / 10, values[:, None]))
    return sampler.result()


def test_batches_give_the_same_sample() -> None:
    maps = np.random.default_rng(0).integers(VOID, 5, (200, 6, 7))
    one, other = sampled(maps, 200), sampled(maps, 7)
    assert len(one.indices) == MOST_IMAGES
    assert one.step == 1
    for found in (one, other):
        np.testing.assert_array_equal(found.labels, maps[found.indices])
        np.testing.assert_allclose(found.confidence, maps[found.indices] / 10, rtol=1e-6)


def test_large_images_are_subsampled_and_fewer() -> None:
    maps = np.arange(12 * 3, dtype=np.int64)[:, None, None] + np.zeros((1, 1500, 1400), np.int64)
    found = sampled(maps, 12, clusters=40)
    assert found.step == 2
    assert found.labels.shape == (31, 750, 700)  # 2^24 pixels
    assert len(sampled(maps[:, :1025], 36, clusters=40).indices) > LEAST_IMAGES


def test_assigned_pixels_are_those_of_the_maps_and_the_same_for_all_runs() -> None:
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 4, (300, 20, 30))
    maps[:, 0] = VOID
    one, other = sampled(maps, 50).assignments(), sampled(np.where(maps == VOID, VOID, 3 - maps), 50).assignments()
    assert MOST_ASSIGNED <= len(one["index"]) < MOST_ASSIGNED + MOST_IMAGES
    np.testing.assert_array_equal(maps[one["index"], one["row"], one["column"]] + 1, one["cluster"])
    for name in ("index", "row", "column"):
        np.testing.assert_array_equal(one[name], other[name])
    np.testing.assert_array_equal(one["cluster"], 5 - other["cluster"])


def test_scores_keep_the_maps_that_they_count(map_model: Callable[..., ClusteringModel]) -> None:
    model = map_model()
    data = model.resolved.dataset.open(())
    sample = score_dataset(model, data, sample=True).sample
    assert sample is not None
    every = np.concatenate([batch.labels for batch in label_maps(model, data)])
    np.testing.assert_array_equal(sample.labels, every[sample.indices])
    assert score_dataset(model, data).sample is None

"""Estimates of accuracy and area from a stratified sample."""

import numpy as np
import pytest

from latentclust.errors import LatentclustError
from latentclust.evaluate.stratified_accuracy import stratified_accuracy

# The worked example of Olofsson et al. 2014: deforestation, forest gain, stable forest and stable non-forest.
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000.0, 150_000.0, 3_200_000.0, 6_450_000.0])
HECTARES_PER_PIXEL = 0.09


def test_the_example_of_the_paper_has_its_published_estimates() -> None:
    found = stratified_accuracy(COUNTS, PIXELS)
    hectares = PIXELS.sum() * HECTARES_PER_PIXEL
    np.testing.assert_allclose(found.areas.values * hectares, [21_158, 11_686, 285_770, 581_386], atol=0.5)
    np.testing.assert_allclose(found.areas.half_widths * hectares, [6_158, 3_756, 15_510, 16_282], atol=0.5)
    assert found.areas.values[0] * PIXELS.sum() == pytest.approx(235_086, abs=0.5)
    assert found.areas.half_widths[0] * PIXELS.sum() == pytest.approx(68_418, abs=0.5)
    assert found.overall.values[0] == pytest.approx(0.947, abs=5e-4)
    assert found.overall.half_widths[0] == pytest.approx(0.018, abs=5e-4)
    np.testing.assert_allclose(found.proportions[0], [0.0176, 0, 0.0013, 0.0011], atol=5e-5)
    assert found.proportions.sum() == pytest.approx(1)
    assert not found.unsampled.any()
    assert not found.single.any()


def test_accuracies_of_classes_are_those_of_the_equations_in_pixels() -> None:
    """Equations 2, 3, 6 and 7 of the paper, written with numbers of pixels, class by class."""
    found, samples = stratified_accuracy(COUNTS, PIXELS), COUNTS.sum(axis=1)
    for j in range(4):
        users = COUNTS[j, j] / samples[j]
        size = sum(PIXELS[i] * COUNTS[i, j] / samples[i] for i in range(4))
        producers = PIXELS[j] * users / size
        own = PIXELS[j] ** 2 * (1 - producers) ** 2 * users * (1 - users) / (samples[j] - 1)
        shares = [(PIXELS[i], COUNTS[i, j] / samples[i], samples[i]) for i in range(4) if i != j]
        others = producers**2 * sum(n**2 * share * (1 - share) / (count - 1) for n, share, count in shares)
        assert found.users.values[j] == pytest.approx(users)
        assert found.users.half_widths[j] == pytest.approx(1.96 * (users * (1 - users) / (samples[j] - 1)) ** 0.5)
        assert found.producers.values[j] == pytest.approx(producers)
        assert found.producers.half_widths[j] == pytest.approx(1.96 * ((own + others) / size**2) ** 0.5)
    np.testing.assert_allclose(found.users.values, [0.88, 0.733, 0.927, 0.963], atol=5e-4)
    np.testing.assert_allclose(found.producers.values, [0.749, 0.847, 0.935, 0.962], atol=5e-4)


def test_the_estimates_do_not_depend_on_the_order_of_classes_or_the_unit_of_sizes() -> None:
    order = [2, 0, 3, 1]
    one, two = stratified_accuracy(COUNTS, PIXELS), stratified_accuracy(COUNTS[order][:, order], 900 * PIXELS[order])
    for name in ("users", "producers", "areas"):
        np.testing.assert_allclose(getattr(one, name).values[order], getattr(two, name).values)
        np.testing.assert_allclose(getattr(one, name).half_widths[order], getattr(two, name).half_widths)
    assert one.overall.half_widths == pytest.approx(two.overall.half_widths)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    sizes, truth = np.array([0.1, 0.3, 0.6]), np.array([[0.8, 0.15, 0.05], [0.1, 0.75, 0.15], [0.02, 0.08, 0.9]])
    overall, areas, mapped = sizes @ np.diag(truth), sizes @ truth, sizes * np.diag(truth) / (sizes @ truth)
    hits = np.zeros(7)
    for _ in range(600):
        found = stratified_accuracy(np.array([rng.multinomial(100, row) for row in truth]), sizes)
        errors = [found.overall.values - overall, found.areas.values - areas, found.producers.values - mapped]
        widths = [found.overall.half_widths, found.areas.half_widths, found.producers.half_widths]
        hits += np.abs(np.concatenate(errors)) <= np.concatenate(widths)
    assert (np.abs(hits / 600 - 0.95) < 0.04).all()


def test_a_class_that_only_the_reference_has_is_never_mapped() -> None:
    counts = np.zeros((3, 3), int)
    counts[:2] = [[40, 5, 5], [2, 46, 2]]
    found = stratified_accuracy(counts, np.array([300.0, 700.0, 0.0]))
    assert found.areas.values[2] == pytest.approx(0.3 * 0.1 + 0.7 * 0.04)
    assert np.isnan(found.users.values[2])
    assert (found.producers.values[2], found.producers.half_widths[2]) == (0, 0)
    assert not found.unsampled[2]


def test_one_sample_in_a_stratum_leaves_no_interval() -> None:
    found = stratified_accuracy(np.array([[30, 2], [0, 1]]), np.array([9.0, 1.0]))
    assert found.single.tolist() == [False, True]
    assert found.overall.values[0] == pytest.approx(0.9 * 30 / 32 + 0.1)
    assert np.isnan(found.overall.half_widths[0])
    assert np.isfinite(found.users.half_widths).tolist() == [True, False]
    assert np.isnan(found.areas.half_widths).all()
    assert np.isnan(found.producers.half_widths).all()


def test_a_stratum_without_samples_is_not_part_of_the_estimates() -> None:
    counts, sizes = np.array([[30, 2, 0], [4, 28, 0], [0, 0, 0]]), np.array([6.0, 4.0, 90.0])
    found, rest = stratified_accuracy(counts, sizes), stratified_accuracy(counts[:2, :2], sizes[:2])
    assert found.unsampled.tolist() == [False, False, True]
    assert found.sampled == 10
    assert found.overall == rest.overall
    np.testing.assert_allclose(found.areas.half_widths[:2], rest.areas.half_widths)
    assert np.isnan([found.users.values[2], found.producers.values[2], found.producers.half_widths[2]]).all()


@pytest.mark.parametrize(("counts", "sizes"), [([[0, 0], [0, 0]], [1.0, 1.0]), ([[3, 0], [0, 2]], [1.0, 0.0])])
def test_samples_need_strata_with_a_size(counts: list[list[int]], sizes: list[float]) -> None:
    with pytest.raises(LatentclustError, match="samples in strata of sizes"):
        stratified_accuracy(np.array(counts), np.array(sizes))

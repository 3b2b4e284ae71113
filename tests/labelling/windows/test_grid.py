"""The grid of windows: coverage, origins and weights."""

import numpy as np
import pytest

from latentclust.errors import LatentclustError
from latentclust.labelling.windows.grid import make_grid, spans
from tests.labelling.planted import planted_model

CASES = [(600, 64, 16, 1), (64, 64, 16, 1), (65, 64, 16, 4), (373, 64, 32, 8), (1, 64, 16, 2), (100, 7, 2, 1)]


@pytest.mark.parametrize(("whole", "side", "overlap", "stride"), CASES)
@pytest.mark.parametrize("blend", ["hann", "crop"])
def test_windows_cover_an_axis_and_begin_at_multiples_of_the_stride(whole, side, overlap, stride, blend) -> None:
    weights = np.zeros(whole)
    for span in spans(whole, side, overlap, overlap // 4, stride, blend):
        assert span.start % stride == 0
        assert 0 <= span.start <= span.first < span.last <= span.stop <= whole
        assert span.stop - span.start <= side
        assert (span.weights > 0).all()
        weights[span.first : span.last] += span.weights
    assert weights.min() > 0
    if blend == "crop":
        assert set(weights) == {1.0}


def test_hann_weights_of_neighbours_sum_to_one() -> None:
    first, second, *_ = spans(600, 64, 16, 4, 1, "hann")
    shared = first.last - second.first
    assert (first.stop - second.start, shared) == (16, 8)  # a quarter is discarded at either end
    np.testing.assert_allclose(first.weights[-shared:] + second.weights[:shared], 1, atol=1e-6)


def test_nothing_is_discarded_at_the_ends_of_an_axis() -> None:
    first, *_, last = spans(600, 64, 16, 4, 1, "hann")
    assert (first.first, last.last) == (0, 600)
    assert first.weights[0] == last.weights[-1] == 1


def test_a_model_without_a_radius_takes_the_training_tile_and_a_quarter_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.labelling.windows.grid.receptive_field_radius", lambda model, largest: None)
    grid = make_grid(planted_model((2, 1)), None, None, "hann")
    assert (grid.tile, grid.overlap, grid.margin, grid.stride) == ((64, 64), (16, 16), (4, 4), 2)


@pytest.mark.parametrize(
    ("tile", "overlap", "words"),
    [
        (63, None, "--tile: must be a multiple of 2 pixels for this model, got 63. Use 62"),
        (64, 15, "--overlap: must be a multiple of 2 pixels for this model, got 15. Use 14"),
        (64, 34, "--overlap: must be at most half of the tile of 64 pixels, got 34"),
    ],
)
def test_windows_that_do_not_fit_the_stride_are_refused(tile: int, overlap: int | None, words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        make_grid(planted_model((2, 1)), tile, overlap, "hann")

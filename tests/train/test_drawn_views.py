"""Views of a batch, drawn once, with where their pixels came from."""

import pytest
import torch

from latentclust.assemble.experiment import Preprocess
from latentclust.bundled.views.affine import warp
from latentclust.bundled.views.colour_jitter import ColourJitter
from latentclust.bundled.views.flip import Flip
from latentclust.bundled.views.grayscale import Grayscale
from latentclust.bundled.views.resized_crop import ResizedCrop
from latentclust.data.feed import Batch, to_float
from latentclust.train.drawn_views import DrawnView


def batch(seed: int = 0) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    raw = torch.randint(256, (4, 3, 16, 24), generator=rng, dtype=torch.uint8)
    return Batch(raw=raw, index=torch.arange(4), views={})


def drawn(*steps: object, preprocess: tuple[object, ...] = ()) -> DrawnView:
    rng = torch.Generator().manual_seed(1)
    return DrawnView("view", steps, False, Preprocess(preprocess), rng)  # type: ignore[arg-type]


def test_the_alignment_is_that_of_the_images_that_were_drawn() -> None:
    view = drawn(ResizedCrop(scale=(0.3, 0.6)), Flip())
    for seed in range(3):
        given = batch(seed)
        images, places = view.images(given), view.alignment(given)
        inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
        again = warp(to_float(given.raw), places, "border")
        assert (images[inner] - again[inner]).abs().median() < 1e-4


def test_steps_that_stay_in_place_leave_the_alignment_alone() -> None:
    view, given = drawn(ColourJitter()), batch()
    assert not torch.equal(view.images(given), to_float(given.raw))
    assert torch.equal(view.alignment(given), torch.eye(2, 3).repeat(4, 1, 1))


def test_colours_between_moves_do_not_disturb_them() -> None:
    moved = [drawn(Flip(), *between, ResizedCrop()) for between in ((), (ColourJitter(probability=0.0),))]
    given = batch()
    for view in moved:
        view.images(given)
    first, second = (view.alignment(given) for view in moved)
    assert first[:, 0, 0].sign().tolist() == second[:, 0, 0].sign().tolist()


def test_a_view_is_preprocessed_after_its_steps() -> None:
    view = drawn(Flip(probability=1.0), preprocess=(Grayscale(),))
    given = batch()
    expected = Grayscale().apply(to_float(given.raw).flip(3), torch.Generator())  # type: ignore[arg-type]
    torch.testing.assert_close(view.images(given), expected)


def test_an_alignment_of_another_batch_is_never_given() -> None:
    view = drawn(Flip())
    with pytest.raises(AssertionError, match="reads a view before its alignment"):
        view.alignment(batch())
    view.images(batch(1))
    with pytest.raises(AssertionError, match="reads a view before its alignment"):
        view.alignment(batch(2))

"""Views of a batch and their alignment, which one draw gives together."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from latentclust.api import Alignment, Encoder, Images, Issue, LossSpec, Scalar, View
from latentclust.assemble.preprocess import Preprocess
from latentclust.assemble.step_plan import Binder
from latentclust.bundled.views.affine import warp
from latentclust.bundled.views.colour_jitter import ColourJitter
from latentclust.bundled.views.flip import Flip
from latentclust.bundled.views.grayscale import Grayscale
from latentclust.bundled.views.resized_crop import ResizedCrop
from latentclust.data.feed import Batch, to_float
from latentclust.recipe.training_tables import LossTable, PlayerTable
from latentclust.train.precision import Precision
from latentclust.train.step import Player
from latentclust.train.step_inputs import draw_view

SEEN: list[View] = []


def batch(seed: int = 0) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    raw = torch.randint(256, (4, 3, 16, 24), generator=rng, dtype=torch.uint8)
    return Batch(raw=raw, index=torch.arange(4), views={})


def drawn(*steps: object, preprocess: tuple[object, ...] = ()) -> Callable[[Batch], View]:
    rng = torch.Generator().manual_seed(1)
    return lambda batch: draw_view(batch, "view", steps, Preprocess(preprocess), rng)  # type: ignore[arg-type]


def test_the_alignment_is_that_of_the_images_that_were_drawn() -> None:
    view = drawn(ResizedCrop(scale=(0.3, 0.6)), Flip())
    for seed in range(3):
        given = batch(seed)
        found = view(given)
        images, places = found.images, found.alignment
        inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
        again = warp(to_float(given.raw), places, "border")
        assert (images[inner] - again[inner]).abs().median() < 1e-4


def test_steps_that_stay_in_place_leave_the_alignment_alone() -> None:
    view, given = drawn(ColourJitter()), batch()
    found = view(given)
    assert not torch.equal(found.images, to_float(given.raw))
    assert torch.equal(found.alignment, torch.eye(2, 3).repeat(4, 1, 1))


def test_colours_between_moves_do_not_disturb_them() -> None:
    moved = [drawn(Flip(), *between, ResizedCrop()) for between in ((), (ColourJitter(probability=0.0),))]
    given = batch()
    first, second = (view(given).alignment for view in moved)
    assert first[:, 0, 0].sign().tolist() == second[:, 0, 0].sign().tolist()


def test_a_view_is_preprocessed_after_its_steps() -> None:
    view = drawn(Flip(probability=1.0), preprocess=(Grayscale(),))
    given = batch()
    expected = Grayscale().apply(to_float(given.raw).flip(3), torch.Generator())  # type: ignore[arg-type]
    torch.testing.assert_close(view(given).images, expected)


class ViewFirst(LossSpec):
    """Notes the view and the alignment that a step binds."""

    def __call__(self, view: Images, view_alignment: Alignment, encoder: Encoder) -> Scalar:
        SEEN.append(View(view, view_alignment))
        return Scalar(torch.zeros(()))


class AlignmentFirst(LossSpec):
    """The same with the alignment named before the view."""

    def __call__(self, view_alignment: Alignment, view: Images, encoder: Encoder) -> Scalar:
        SEEN.append(View(view, view_alignment))
        return Scalar(torch.zeros(()))


@pytest.mark.parametrize("loss", [ViewFirst(), AlignmentFirst()])
def test_a_step_reads_a_view_and_its_alignment_from_one_draw(loss: LossSpec) -> None:
    SEEN.clear()
    view, draws = drawn(ResizedCrop(scale=(0.3, 0.6)), Flip()), []

    def draw(given: Batch) -> View:
        draws.append(view(given))
        return draws[-1]

    issues: list[Issue] = []
    binder = Binder({}, {"encoder": Encoder}, ("view",), issues)
    plan = binder.plan("e", ("encoder",), {"seen": loss}, {"seen": LossTable(use="seen", player="e")})
    networks, precision = {"encoder": nn.Linear(1, 1)}, Precision("fp32", torch.device("cpu"))
    player = Player(plan, PlayerTable(networks=("encoder",)), {"seen": 1.0}, networks, {"view": draw}, precision, None)
    for seed in range(3):
        player.terms(batch(seed))
    assert not issues
    assert len(SEEN) == len(draws) == 3
    for seen, made in zip(SEEN, draws, strict=True):
        assert seen.images is made.images
        assert seen.alignment is made.alignment

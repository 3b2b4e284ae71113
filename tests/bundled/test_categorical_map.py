"""The prior of label maps against every map that a small grid can have."""

from itertools import product

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from latentclust.bundled.categorical_map import CategoricalMap, checkerboard, neighbours, one_hot, potts_sweep

SIDE = 3
PIXELS = SIDE * SIDE
CHAINS, SWEEPS = 6000, 60
SURE = 5.0
"""Standard errors within which a Monte-Carlo estimate must lie."""


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def every_map(clusters: int) -> Tensor:
    """All label maps of 3x3 pixels, `(k^9, 3, 3)`."""
    return torch.tensor(list(product(range(clusters), repeat=PIXELS))).view(-1, SIDE, SIDE)


def agreements(maps: Tensor) -> Tensor:
    """How many pairs of neighbours have one label, `(n,)`, pair by pair."""
    height, width = maps.shape[1:]
    count = torch.zeros(len(maps), dtype=torch.int64)
    for row, column in product(range(height), range(width)):
        for other_row, other_column in ((row + 1, column), (row, column + 1)):
            if other_row < height and other_column < width:
                count += maps[:, row, column] == maps[:, other_row, other_column]
    return count


def log_joint(maps: Tensor, energy: Tensor, coupling: float) -> Tensor:
    """`log p(y | x)` of label maps `(n, h, w)` up to a constant, float64; energies `(k, h, w)`, or `(n, k, h, w)`."""
    each = energy.expand(len(maps), -1, -1, -1)
    paid = each.double().gather(1, maps[:, None]).flatten(1).sum(dim=1)
    return coupling * agreements(maps).double() - paid


@pytest.mark.parametrize(("clusters", "coupling"), [(2, 0.75), (3, 0.75), (3, 1.25), (2, 0.0)])
def test_long_chains_are_distributed_as_exhaustive_enumeration_says(clusters, coupling, rng):
    """Independent chains: a share p that is estimated from n of them has the standard error sqrt(p (1 - p) / n)."""
    energy = torch.randn(clusters, SIDE, SIDE, generator=rng)
    maps = every_map(clusters)
    exact = log_joint(maps, energy, coupling).softmax(dim=0)
    label = torch.randint(clusters, (CHAINS, SIDE, SIDE), generator=rng)
    for _ in range(SWEEPS):
        label, _ = potts_sweep(energy.expand(CHAINS, -1, -1, -1), label, coupling, rng)
    categories = torch.nn.functional.one_hot(maps, clusters).double()
    marginals = torch.einsum("n,nhwk->khw", exact, categories)
    found = one_hot(label, clusters).double().mean(dim=0)
    assert ((found - marginals).abs() < SURE * (marginals * (1 - marginals) / CHAINS).sqrt()).all()
    for number in range(13):  # of the grid's 12 pairs of neighbours
        share = exact[agreements(maps) == number].sum()
        met = (agreements(label) == number).double().mean()
        assert (met - share).abs() < SURE * (share * (1 - share) / CHAINS).sqrt() + 1 / CHAINS


def test_half_a_sweep_draws_from_the_exact_conditionals():
    """Of every map the dark pixels' conditionals, given all other pixels, follow from the enumerated joint."""
    clusters, coupling = 2, 0.75
    energy = torch.randn(clusters, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    maps = every_map(clusters)
    _, posterior = potts_sweep(energy.expand(len(maps), -1, -1, -1), maps, coupling, torch.Generator().manual_seed(2))
    dark, _ = checkerboard(maps)
    for row, column in dark.nonzero().tolist():
        versions = []
        for cluster in range(clusters):
            changed = maps.clone()
            changed[:, row, column] = cluster
            versions.append(log_joint(changed, energy, coupling))
        exact = torch.stack(versions, dim=1).softmax(dim=1)
        torch.testing.assert_close(posterior[:, :, row, column].double(), exact, atol=1e-6, rtol=1e-5)


def test_without_coupling_the_conditional_is_each_pixels_own_posterior(rng):
    """Eq. 5 in float64, whatever the map before."""
    energy = 4 * torch.randn(5, 4, 6, 7, generator=rng)
    label = torch.randint(4, (5, 6, 7), generator=rng)
    _, posterior = potts_sweep(energy, label, 0.0, rng)
    powers = (-energy.double()).exp()
    torch.testing.assert_close(posterior.double(), powers / powers.sum(dim=1, keepdim=True), atol=1e-6, rtol=1e-5)
    _, faint = potts_sweep(energy, label, 1e-9, rng)
    torch.testing.assert_close(faint, posterior, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("coupling", [0.0, 0.5, 2.0])
def test_iterated_conditional_modes_never_lower_the_joint_probability(coupling, rng):
    """Energies are eighths, so that float32 adds them up exactly."""
    energy = torch.randint(-24, 24, (50, 3, 6, 5), generator=rng) / 8
    label = torch.randint(3, (50, 6, 5), generator=rng)
    before = log_joint(label, energy, coupling)
    climbed = False
    for _ in range(8):
        label, _ = potts_sweep(energy, label, coupling, None)
        after = log_joint(label, energy, coupling)
        assert (after >= before).all()
        climbed, before = climbed or bool((after > before).any()), after
    assert climbed
    assert torch.equal(potts_sweep(energy, label, coupling, None)[0], label), "it ends at a mode"


def test_a_sweep_without_a_generator_draws_nothing():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    potts_sweep(torch.randn(2, 3, 4, 4, generator=torch.Generator()), torch.zeros(2, 4, 4).long(), 1.0, None)
    assert torch.equal(torch.get_rng_state(), state)


def test_neighbours_are_the_four_and_fewer_at_the_border():
    label = torch.tensor([[[0, 1, 1], [0, 0, 1]]])
    same = neighbours(one_hot(label, 2))
    assert same[0, 0].tolist() == [[1, 2, 0], [2, 1, 1]]
    assert same[0, 1].tolist() == [[1, 1, 2], [0, 2, 1]]
    assert torch.equal(neighbours(torch.ones(1, 1, 3, 3))[0, 0], torch.tensor([[2.0, 3, 2], [3, 4, 3], [2, 3, 2]]))


def test_strong_coupling_makes_one_label_of_a_map_and_strong_evidence_undoes_it(rng):
    energy = torch.zeros(20, 2, 4, 4)
    energy[:, 1] = 0.1
    maps = torch.randint(2, (20, 4, 4), generator=rng)
    for _ in range(100):
        maps, _ = potts_sweep(energy, maps, 4.0, rng)
    assert agreements(maps).double().mean() > 22  # of 24 pairs
    truth = torch.randint(2, (20, 4, 4), generator=rng)
    sure = 100 * (1 - one_hot(truth, 2))
    assert torch.equal(potts_sweep(sure, maps, 4.0, rng)[0], truth)


@pytest.mark.parametrize("coupling", [0.0, 0.6])
def test_drawn_maps_agree_with_neighbours_as_often_as_the_potts_field_says(coupling, rng):
    clusters, count = 3, 4000
    prior = CategoricalMap(clusters=clusters, style_dim=0, style_stride=SIDE, side=SIDE, coupling=coupling, draws=40)
    label = prior.sample(count, rng).category.argmax(dim=1)
    maps = every_map(clusters)
    exact = log_joint(maps, torch.zeros(clusters, SIDE, SIDE), coupling).softmax(dim=0)
    pairs = agreements(maps).double()
    mean = (exact * pairs).sum()
    error = ((exact * pairs.square()).sum() - mean**2).sqrt() / count**0.5
    assert (agreements(label).double().mean() - mean).abs() < SURE * error
    shares = one_hot(label, clusters).mean(dim=(0, 2, 3))
    assert (shares - 1 / clusters).abs().max() < SURE * (2 / 9 / count) ** 0.5


def test_styles_are_a_grid_of_normals_times_sigma(rng):
    prior = CategoricalMap(clusters=2, style_dim=3, style_stride=4, side=10, sigma=2.5)
    drawn = prior.sample(800, rng)
    assert drawn.category.shape == (800, 2, 12, 12), "the side is rounded up to whole places of the grid"
    assert drawn.style.shape == (800, 3, 3, 3)
    count = drawn.style.numel()
    assert drawn.style.mean().abs() < SURE * 2.5 / count**0.5
    assert (drawn.style.std() / 2.5 - 1).abs() < SURE / (2 * count) ** 0.5


@pytest.mark.parametrize("option", [{"coupling": -0.1}, {"style_stride": 0}, {"sigma": 0.0}, {"side": 0}])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValidationError, match=next(iter(option))):
        CategoricalMap(clusters=2, **option)

import math

import pytest
import torch

from latentclust.api import Images, LatentclustError
from latentclust.bundled.views.point_affine import PointAffine

STILL = {"rotation": 0.0, "scale": (1.0, 1.0), "aspect": (1.0, 1.0), "shear": 0.0, "shift": 0.0, "noise": 0.0}


def points(count: int = 5) -> Images:
    return Images(0.3 + 0.4 * torch.rand(count, 16, generator=torch.Generator().manual_seed(0)))


def test_no_strength_gives_the_points_back() -> None:
    seen = PointAffine(**STILL).apply(points(), torch.Generator().manual_seed(1))
    torch.testing.assert_close(seen, points())


def test_rotation_and_scale_keep_the_ratio_of_distances() -> None:
    view = PointAffine(**STILL | {"rotation": 90.0, "scale": (0.5, 0.9)})
    pair = view.apply(points(), torch.Generator().manual_seed(2)).unflatten(1, (-1, 2))
    before = points().unflatten(1, (-1, 2))
    ratio = (pair[:, 1:] - pair[:, :-1]).norm(dim=2) / (before[:, 1:] - before[:, :-1]).norm(dim=2)
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-4, atol=1e-4)
    assert ((ratio > 0.5 - 1e-4) & (ratio < 0.9 + 1e-4)).all()


def test_a_matrix_has_the_determinant_of_its_scale_and_the_lean_of_its_shear() -> None:
    rng = torch.Generator().manual_seed(3)
    matrices = PointAffine(**STILL | {"shear": 45.0, "aspect": (0.5, 2.0)}).matrices(1000, rng)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(1000))
    lean = matrices[:, 0, 1] / matrices[:, 1, 1]
    assert (lean.abs() <= math.tan(math.radians(45)) + 1e-5).all()
    assert lean.abs().max() > 0.9


def test_images_are_refused() -> None:
    with pytest.raises(LatentclustError, match="point-affine: samples have shape"):
        PointAffine().output_shape((1, 8, 8))

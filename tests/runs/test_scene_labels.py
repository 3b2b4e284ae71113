"""Windows that cover a scene."""

import numpy as np
import pytest

from latentclust.runs.scene_labels import kept, starts


@pytest.mark.parametrize(("whole", "side"), [(600, 24), (64, 64), (65, 64), (373, 64), (100, 7), (48, 8)])
def test_the_kept_parts_cover_a_scene_and_windows_stay_inside(whole: int, side: int) -> None:
    covered = np.zeros(whole, np.int64)
    for start in starts(whole, side):
        assert 0 <= start <= whole - side
        in_scene, in_window = kept(start, side, whole)
        assert in_scene.start - start == in_window.start
        assert in_scene.stop - in_scene.start == in_window.stop - in_window.start
        covered[in_scene] += 1
    assert covered.min() == 1


def test_a_kept_part_has_its_margin_but_at_the_ends() -> None:
    assert kept(0, 64, 200) == (slice(0, 56), slice(0, 56))
    assert kept(48, 64, 200) == (slice(56, 104), slice(8, 56))
    assert kept(136, 64, 200) == (slice(144, 200), slice(8, 64))

"""`latentclust sample`."""

import pytest
from PIL import Image


def pixels(path):
    """Width and height."""
    with Image.open(path, formats=["PNG"]) as image:
        return image.size


@pytest.mark.parametrize("words", [[], ["--per-cluster", "4"], ["--interpolate", "1", "3"], ["--traverse", "2"]])
def test_each_figure_is_the_same_whenever_it_is_drawn(cli, trained, tmp_path, words):
    for name in ("a.png", "b.png"):
        assert cli("sample", trained, "--out", tmp_path / name, *words).code == 0

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert pixels(tmp_path / "a.png")[0] > 0


def test_more_draws_make_a_wider_figure(cli, trained, tmp_path):
    for count in (2, 20):
        cli("sample", trained, "--out", tmp_path / f"{count}.png", "--per-cluster", count)

    assert pixels(tmp_path / "2.png")[0] < pixels(tmp_path / "20.png")[0]


def test_vectors_are_drawn_as_profiles(cli, trained_vectors, tmp_path):
    assert cli("sample", trained_vectors, "--out", tmp_path / "profiles.png").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--interpolate", "1", "4"], "error: --interpolate: unknown cluster 4. Use a number from 1 to 3."),
        (["--interpolate", "0", "1"], "error: --interpolate: unknown cluster 0. Use a number from 1 to 3."),
        (["--traverse", "3"], "error: --traverse: unknown style dimension 3. Use a number from 1 to 2."),
        (["--traverse", "1", "--interpolate", "1", "2"], "error: --traverse: cannot be combined with --interpolate"),
    ],
)
def test_mistakes(cli, trained, tmp_path, words, said):
    outcome = cli("sample", trained, "--out", tmp_path / "x.png", *words)

    assert outcome.code == 2
    assert outcome.err.startswith(said)
    assert not (tmp_path / "x.png").exists()

"""`latentclust evaluate-generator`."""

import json

import pytest

from latentclust.evaluate import supervised


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "STEPS", 5)


def test_the_scores_are_printed_with_the_network_of_the_distance(cli, trained):
    words = ["--samples", 20, "--features", "test_resnet", "--weights", "none", "--size", 32]
    outcome = cli("evaluate-generator", trained, *words)

    assert outcome.code == 0
    assert "20 generated samples, 36 samples of the data set" in outcome.out
    assert "by test_resnet (none weights) at 32 px" in outcome.out
    assert "mode accuracy: " in outcome.out


def test_json_has_the_table_of_the_modes(cli, trained):
    found = json.loads(cli("evaluate-generator", trained, "--features", "off", "--samples", 30, "--json").out)

    assert sum(map(sum, found["mode_table"])) == 30
    assert found["frechet_distance"] is None
    assert 0 <= found["reconstruction_accuracy"] <= 1


def test_vectors_are_compared_by_their_values(cli, trained_vectors):
    outcome = cli("evaluate-generator", trained_vectors, "--samples", 50)

    assert "by the values themselves" in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--features", "restnet"], "timm has no model 'restnet'"),
        (["--data", "digits"], "digits has samples of shape"),
    ],
)
def test_mistakes(cli, trained, words, said):
    outcome = cli("evaluate-generator", trained, *words)

    assert outcome.code == 2
    assert said in outcome.err

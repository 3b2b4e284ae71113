"""The commands of benchmarks/choose_k.py and its study, and their stored results."""

import json
from typing import Any

import pytest

from latentclust.cluster_number.suggestion import suggest
from tests.docs.scripts import ROOT, load_script

CASES = ("mixture", "mixture-quarter", "digits", "digits-vectors", "digits-quarter", "usps", "dubai5")


@pytest.fixture(scope="module")
def choose_k() -> Any:
    """The module benchmarks/choose_k.py."""
    return load_script("benchmarks/choose_k.py")


@pytest.mark.parametrize("name", CASES)
def test_the_rule_gives_the_stored_suggestion(choose_k: Any, name: str) -> None:
    stored = json.loads((ROOT / f"benchmarks/results/choose-k-{name}.json").read_text(encoding="utf-8"))
    found = suggest([choose_k.stored_score(score) for score in stored["scores"]])
    assert choose_k.chosen(stored["known"], found).items() <= stored.items()
    assert stored["chosen"]["choose-k"] == found.number


def test_all_cases_are_stored(choose_k: Any) -> None:
    assert tuple(choose_k.CASES) == CASES


def test_again_refuses_the_options_of_trainings(choose_k: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert vars(choose_k.parsed(["usps"])) == {
        "case": ["usps"],
        "again": False,
        "clusters": None,
        "seeds": 3,
        "workers": 1,
        "device": "cpu",
    }
    with pytest.raises(SystemExit):
        choose_k.parsed(["usps", "--again", "--seeds", "3", "--device", "cpu"])
    assert "--again trains nothing: remove --seeds, --device" in capsys.readouterr().err


def test_the_study_states_its_settings_and_the_best_rule_by_weight() -> None:
    study = load_script("benchmarks/choose_k_generated.py")
    stored = json.loads((ROOT / "benchmarks/results/choose-k-generated.json").read_text(encoding="utf-8"))
    assert (study.facts() | {"by_weight": study.by_weight(stored["candidates"], stored["choosing"])}).items() <= (
        stored.items()
    )
    assert study.facts()["point_sets"] == {"choosing": [64, 12], "held-out": [64, 12]}


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b"])
def test_a_part_of_the_trainings_is_one_of_as_many(text: str) -> None:
    trainings = load_script("benchmarks/choose_k_trainings.py")
    assert trainings.part("2/2") == (2, 2)
    with pytest.raises(ValueError, match=r".+"):
        trainings.part(text)

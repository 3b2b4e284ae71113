"""A clustered generator read out by other inferences, by independent chains and by chains of other lengths."""

import json
from pathlib import Path

import pytest
import torch

import latentclust
from latentclust.report.facts import ChainFacts
from latentclust.runs.alternative_readouts import chain_warnings
from latentclust.runs.reevaluate import evaluate_model, open_evaluation
from latentclust.runs.run import FinishedRun

READOUTS = "evaluate.readouts=['amortized', {use='backprop-decoding', iterations=5}, 'kmeans-on-code']"


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The tiny clustered generator of tests/train."""
    recipe = Path(__file__).parents[1] / "train" / "cgm.toml"
    return latentclust.run(recipe, [READOUTS], out=tmp_path_factory.mktemp("sampled") / "run", device="cpu")


def test_every_readout_is_scored_beside_the_models_own(sampled: FinishedRun) -> None:
    assert list(sampled.facts.readouts) == ["amortized", "backprop-decoding", "kmeans-on-code"]
    for name, reading in sampled.facts.readouts.items():
        assert 1 / 4 <= reading.agreement <= 1  # of four clusters matched one to one
        assert reading.metrics is not None
        assert set(reading.metrics) == set(sampled.facts.metrics or {})
        assert f"| {name} | {reading.agreement:.1%} |" in (sampled.folder / "report.md").read_text()
    written = json.loads((sampled.folder / "results.json").read_text())
    assert written["readouts"]["amortized"]["agreement"] == sampled.facts.readouts["amortized"].agreement
    assert written["chain_agreement"] == sampled.facts.chains.agreement  # type: ignore[union-attr]


def test_a_readout_is_what_evaluating_with_that_inference_says(sampled: FinishedRun) -> None:
    for name in ("amortized", "kmeans-on-code"):
        readout = open_evaluation(
            sampled.folder, torch.device("cpu"), settings=[f"inference.use={name}", "evaluate.readouts=[]"]
        )
        assert evaluate_model(readout, ()).metrics == sampled.facts.readouts[name].metrics


def test_the_curve_over_lengths_goes_past_the_recipes_own(sampled: FinishedRun) -> None:
    assert sampled.facts.chains is not None
    assert [entry["steps"] for entry in sampled.facts.chains.lengths] == [1, 2, 3, 6]
    # 64 samples are fewer than the part would be, so the recipe's own length is the result itself.
    own = {name: value for name, value in sampled.facts.chains.lengths[2].items() if name != "steps"}
    assert own == sampled.facts.metrics
    for figure in ("chains", "lengths"):
        assert (sampled.folder / "figures" / f"{figure}.png").stat().st_size > 1000
        assert f"(figures/{figure}.png)" in (sampled.folder / "report.md").read_text()


def test_chains_that_do_not_agree_are_doubted(sampled: FinishedRun) -> None:
    assert chain_warnings(None) == ()
    assert chain_warnings(ChainFacts(0.9)) == ()
    (warning,) = chain_warnings(ChainFacts(0.899))
    assert "89.9%" in warning
    assert "have not mixed: raise inference.burn_in" in warning
    (warning,) = chain_warnings(
        ChainFacts(0.5), "pixels", ("a.tif: 0 alone fills a part of the border, and is read as data",)
    )
    assert "have not mixed: declare the fill that is read as data with data.nodata first" in warning
    assert ("have not mixed" in (sampled.folder / "report.md").read_text()) == (
        sampled.facts.chains.agreement < 0.9  # type: ignore[union-attr]
    )


def test_without_chains_nothing_is_said_of_them(finished: FinishedRun) -> None:
    assert finished.facts.chains is None
    assert "## Chains" not in (finished.folder / "report.md").read_text()
    assert "## Other inference methods" not in (finished.folder / "report.md").read_text()

"""Runs, seeds, models and posteriors show themselves in notebooks and terminals."""

from io import StringIO

import numpy as np
import torch
from rich.console import Console

import latentclust
from latentclust.report.results import summarise
from latentclust.runs.run import FinishedRun
from latentclust.tensors import Posterior


def printed(value: object) -> str:
    file = StringIO()
    Console(file=file, width=100).print(value)
    return file.getvalue()


def test_a_run_shows_its_scores_and_its_folder(finished: FinishedRun) -> None:
    name, value = next(iter(finished.result.metrics.items()))
    assert repr(finished).startswith("<FinishedRun: ")
    for shown in (finished._repr_html_(), printed(finished)):
        assert f"{value:.4f}" in shown
        assert str(finished.folder)[-20:] in shown.replace("\n", "")
    assert name in finished.result.metrics


def test_seeds_show_mean_and_deviation(finished: FinishedRun) -> None:
    other = finished.result.model_copy(update={"seed": 1})
    summary = summarise([finished.result, other], {2: "it <diverged>"})
    assert "±0.000" in summary._repr_html_()
    assert "it &lt;diverged&gt;" in summary._repr_html_()
    assert "Seed 2 failed: it <diverged>" in printed(summary)
    assert repr(summary) == f"<SeedSummary: {finished.result.recipe}, 2 seeds>"


def test_a_model_shows_what_it_reads_and_the_names_of_its_clusters(finished: FinishedRun) -> None:
    model = latentclust.load(finished.folder)
    named = type(model)(
        **{field: getattr(model, field) for field in type(model).__dataclass_fields__} | {"names": {1: "<cat>"}}
    )
    assert "&lt;cat&gt;" in named._repr_html_()
    assert "names of clusters" not in printed(model)
    weights = sum(each.numel() for each in next(iter(model.networks.values())).parameters())
    assert f"{weights:,} parameters" in printed(model)
    assert repr(model) == f"<ClusteringModel: {finished.result.recipe}, {model.clusters} clusters>"


def test_a_posterior_shows_the_share_and_the_confidence_of_each_cluster() -> None:
    probabilities = torch.tensor([[0.5, 0.5, 0.0], [0.75, 0.25, 0.0], [0.0, 0.0, 1.0]])
    posterior = Posterior(probabilities, torch.zeros(3, 0))
    rows = [line.replace("│", " ").split() for line in printed(posterior).splitlines()]
    assert [row for row in rows if row and row[0].isdigit()] == [
        ["0", "2", "66.7%", "0.625"],
        ["1", "0", "0.0%", "–"],
        ["2", "1", "33.3%", "1.000"],
    ]
    assert repr(posterior) == "<Posterior: 3 images, 3 clusters>"
    maps = Posterior(torch.full((2, 30, 4, 5), 1 / 30), torch.zeros(2, 0, 1, 1))
    assert repr(maps) == "<Posterior: 2 images of 4 x 5 pixels, 30 clusters>"
    assert "the largest 20 of 30 clusters" in printed(maps)
    assert np.isclose(float(maps.confidence[0, 0, 0]), 1 / 30)

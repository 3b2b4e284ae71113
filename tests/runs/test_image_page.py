"""Pages of runs of images of any kind: sizes, numbers of clusters, with and without labels, names and paths."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from latentclust.assemble.resolve import Resolved
from latentclust.data.sources import ArraySource
from latentclust.evaluate.match import hungarian
from latentclust.evaluate.protocol import Protocol
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT
from latentclust.report.facts import RunFacts
from latentclust.report.page.page import render_page
from latentclust.report.page.sections.codes import Codes
from latentclust.runs.code_maps import map_codes
from latentclust.runs.image_page import MAX_BYTES, image_page
from latentclust.runs.page_choice import MOST_CARDS, choose_images, images_per_row
from latentclust.runs.page_pictures import grey_points
from latentclust.specs.data import ImageSet, SealedLabels
from latentclust.tensors import Posterior
from tests.browser import OpenPageIn

HOSTILE = "<script>alert('\u202e\"')</script>&" + "x" * 300

BRACKET_IS_LEFT_OF_DIGIT = """() => {
    const names = [...document.querySelectorAll(".stats bdi")];
    const share = names.find((name) => name.textContent === "\u202eabc").nextSibling;
    const left = (at) => {
        const range = document.createRange();
        range.setStart(share, at);
        range.setEnd(share, at + 1);
        return range.getBoundingClientRect().left;
    };
    return share.textContent.startsWith(" (") && left(1) < left(2);
}"""


@dataclass
class Case:
    """A run of images without a network: random images and probabilities."""

    model: ClusteringModel
    tested: ImageSet
    posterior: Posterior
    facts: RunFacts

    def page(self) -> str:
        codes = map_codes(self.model, self.posterior, self.facts, SILENT)
        return render_page(image_page(self.model, self.tested, self.posterior, self.facts, codes))


MakeCase = Callable[..., Case]


@pytest.fixture
def make_case(tables: dict[str, Any], resolved: Callable[..., Resolved]) -> MakeCase:
    """A run of `count` samples in `clusters` clusters; with `classes`, sample i has the class i % classes."""

    def make(
        count: int = 60, clusters: int = 4, shape: tuple[int, ...] = (1, 6, 6), classes: int = 3, **changes: Any
    ) -> Case:
        rng = np.random.default_rng(0)
        vectors = len(shape) == 1
        values = rng.random((count, *shape)).astype(np.float32) if vectors else rng.integers(0, 256, (count, *shape))
        source = ArraySource(values if vectors else values.astype(np.uint8))
        model = ClusteringModel(resolved(tables, "evaluate.tsne=false"), shape, {}, {})
        probabilities = rng.dirichlet(np.full(clusters, 0.3), count).astype(np.float32)
        labels = probabilities.argmax(axis=1)
        truth = np.arange(count) % max(classes, 1)
        table = np.zeros((clusters, max(classes, 1)), dtype=np.int64)
        np.add.at(table, (labels, truth), 1)
        names = tuple(f"class {number}" for number in range(classes))
        tested = ImageSet(source, SealedLabels(truth) if classes else None, names)
        labelled = {"metrics": {"accuracy": 0.5}, "table": table, "matching": hungarian(table), "classes": names}
        facts = RunFacts(
            recipe="tiny",
            recipe_text='name = "tiny"\n',
            protocol=Protocol("tiny-all", "points", "all", "all", clusters),
            seed=3,
            device="cpu",
            seconds=12.0,
            versions={"latentclust": "0.1.0"},
            clusters=clusters,
            occupancy=np.bincount(labels, minlength=clusters),
            selection="the last round.",
            **(labelled if classes else {}),
        )
        posterior = Posterior(torch.from_numpy(probabilities), torch.zeros(count, 0))
        return Case(model, tested, posterior, replace(facts, **changes))

    return make


def embedded(text: str, key: str) -> Any:
    found = re.search(rf'<script type="application/json" id="data-{key}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize(
    "case",
    [
        {"clusters": 1, "classes": 0},
        {"count": 3, "clusters": 8},
        {"shape": (7,)},
        {"shape": (1,), "classes": 0},
        {"shape": (300,)},
        {"shape": (12, 9, 5)},
        {"shape": (2, 4, 200)},
        {"shape": (3, 1, 1)},
        {"count": 1, "clusters": 2, "classes": 1},
    ],
    ids=str,
)
def test_images_of_any_kind_have_a_page(make_case: MakeCase, case: dict[str, Any]) -> None:
    made = make_case(**case)
    text = made.page()
    samples = embedded(text, "samples")
    assert sorted(samples["index"]) == list(range(case.get("count", 60)))
    assert [card["size"] for card in embedded(text, "clusters")] == made.facts.occupancy.tolist()
    assert ("contingency" in text.split("<main")[0]) is (case.get("classes", 3) > 0)
    assert 'id="losses"' not in text


def test_many_clusters_have_the_largest_as_cards(make_case: MakeCase) -> None:
    case = make_case(count=2000, clusters=400)
    text = case.page()
    cards = embedded(text, "clusters")
    assert len(cards) == MOST_CARDS
    least = min(card["size"] for card in cards)
    assert least >= np.sort(case.facts.occupancy)[-MOST_CARDS]
    assert "The 300 largest clusters have a card." in text
    assert "The table has the 100 largest of 400 clusters." in text


def test_names_and_paths_are_text(make_case: MakeCase, open_page: OpenPageIn, tmp_path: Any) -> None:
    case = make_case(names={1: HOSTILE})
    case.facts = replace(
        case.facts,
        classes=(HOSTILE, "\u202eabc", "c"),
        recipe=HOSTILE,
        history=[{"round": 1.0, HOSTILE: 2.0, "negative": -1.0}],
    )
    case.tested = replace(
        case.tested, classes=case.facts.classes, paths=tuple(f"{HOSTILE}{at}.png" for at in range(60))
    )
    text = case.page()
    assert "<script>alert" not in text
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    opened = open_page(tmp_path / "report.html", width=390)
    page = opened.page
    page.locator(".cluster button").first.press("Enter")
    title = page.locator("#cluster-dialog-title").text_content()
    assert title == f"cluster 1: {HOSTILE}"
    page.keyboard.press("Escape")
    picture = page.locator(".cluster .thumb").first
    picture.hover()
    assert "probability" in picture.get_attribute("title")
    picture.click()
    assert page.locator("#cluster-dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate(BRACKET_IS_LEFT_OF_DIGIT)
    page.locator("#code-chart").scroll_into_view_if_needed()
    page.focus("#code-chart")
    page.keyboard.press("ArrowRight")
    assert page.locator("#code-point p").first.text_content().startswith(HOSTILE)
    assert re.match("\u2068cluster .*\u2069, probability", page.locator("#code-point p").nth(1).text_content())
    page.select_option("#losses select[name=scale]", "log")
    assert page.locator(".scale-note").all_text_contents() == ["", "(linear: no value is positive)"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert opened.errors == []


def test_the_page_of_incompressible_images_and_long_paths_is_bounded(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.runs.image_page.MAX_BYTES", 1_500_000)
    case = make_case(count=700, clusters=20, shape=(3, 40, 40))
    case.tested = replace(case.tested, paths=tuple("p" * 400 + f"{at}" for at in range(700)))
    text = case.page()
    assert MAX_BYTES > 1_500_000 > len(text.encode()) > 1_000_000


def test_many_classes_are_counted_once_and_the_page_is_bounded(make_case: MakeCase) -> None:
    case = make_case(count=20_000, clusters=100, classes=1000)
    names = tuple(f"{'long name ' * 20}{number}" for number in range(1000))
    case.facts, case.tested = replace(case.facts, classes=names), replace(case.tested, classes=names)
    text = case.page()
    card = max(embedded(text, "clusters"), key=lambda each: each["size"])
    counts = np.sort(case.facts.table[card["cluster"]])[::-1]
    assert [count for _, count in card["classes"]] == [*counts[:20], counts[20:].sum()]
    assert card["classes"][-1][0] == -1
    assert card["otherClasses"] == np.count_nonzero(counts[20:])
    assert f", {np.count_nonzero(counts[4:])} more</p>" in text
    assert len(text.encode()) < MAX_BYTES


def test_the_pictures_have_a_minimum_where_the_text_is_larger_than_the_bound(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentclust.runs.image_page.MAX_BYTES", 1000)
    assert "--thumb-w:6;" in make_case().page()


def test_samples_that_are_not_finite_are_left_out_of_the_search_for_duplicates(make_case: MakeCase) -> None:
    case = make_case(count=5, clusters=2, shape=(4,))
    values = np.arange(20, dtype=np.float32).reshape(5, 4) ** 2
    values[3] = values[1]
    case.tested = replace(case.tested, source=ArraySource(values))
    values[0, 2] = np.nan
    text = case.page()
    assert "4 of 5 samples were compared. Not compared because of values that are not finite: 1." in text
    assert "2 samples, equal" in text
    values[1:4, 0] = np.inf
    assert "Not searched: fewer than two samples can be compared." in case.page()


def test_points_on_a_line_are_in_the_middle_of_the_map() -> None:
    points = {"of one axis": np.array([[0.0, 7.0], [2.0, 7.0]]), "of one place": np.array([[3.0, 3.0]])}
    codes = Codes(slots=[0, 1], maps=points, labelled=False, cluster_colours=[], class_colours=[], total=2)
    data: Any = codes.data()
    assert [each["points"] for each in data["maps"]] == [[[0, 5000], [9999, 5000]], [[5000, 5000]]]


def test_the_images_of_a_cluster_are_its_surest_and_least_sure() -> None:
    labels = np.array([0, 1, 0, 0, 1, 0])
    confidence = np.array([0.5, 0.9, 0.9, 0.7, 0.9, 0.6], dtype=np.float32)
    first, second, third = choose_images(labels, confidence, [0, 1, 2], 2, seed=0)
    assert (first.surest.tolist(), first.least_sure.tolist()) == ([2, 3], [0, 5])
    assert (second.surest.tolist(), second.least_sure.tolist()) == ([1, 4], [])
    assert set(first.random.tolist()) <= {0, 2, 3, 5}
    assert third.all.tolist() == []
    assert [images_per_row(clusters) for clusters in (1, 10, 100, 300)] == [12, 12, 8, 2]


def test_images_are_compared_as_averages_of_their_grey_levels(make_case: MakeCase) -> None:
    model = make_case(shape=(3, 4, 6)).model
    image = np.zeros((1, 3, 4, 6), dtype=np.uint8)
    image[0, :, :2, :3] = 255
    points = grey_points(model, ArraySource(image), np.array([0]), side=2)
    assert points.tolist() == [[1, 0, 0, 0]]
    assert grey_points(model, ArraySource(image), np.array([0]), side=16).shape == (1, 24)

"""A page is one file that sends no request, and shows hostile names as text."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import pytest

from latentclust.report.facts import RunFacts
from latentclust.report.page.page import Page, render_page, write_page
from latentclust.report.page.run_page import ONE_SEED, run_page
from latentclust.report.page.section import Json, Section
from latentclust.report.page.sections.scores import scores_section
from latentclust.report.result_text import baseline_verdicts

MakeFacts = Callable[..., RunFacts]

HOSTILE = "<script>alert('\u202e\"')</script>&" + "x" * 300


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Section):
    """A section with a name in its template and in its data."""

    key: str = "run-name"
    title: str = HOSTILE
    template: ClassVar[str] = "recipe.html"
    recipe: str = HOSTILE
    versions: tuple[tuple[str, str], ...] = ((HOSTILE, HOSTILE), (HOSTILE, HOSTILE))

    def data(self) -> Json:
        return {"name": HOSTILE}


class Elements(HTMLParser):
    """The elements of a page, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        name = dict(self.found[-1][1]).get("id") if self.found else None
        self.texts[name or ""] = self.texts.get(name or "", "") + data


def test_names_are_text_and_data() -> None:
    page = Page(HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, (HOSTILE,), (HOSTILE,), ((HOSTILE, HOSTILE),), (Named(),))
    text = render_page(page)
    elements = Elements(text)
    assert [attributes.get("type") for tag, attributes in elements.found if tag == "script"] == [
        "application/json",
        "module",
    ]
    assert json.loads(elements.texts["data-run-name"]) == {"name": HOSTILE}
    assert "alert('" not in text
    assert text.count("&lt;script&gt;") >= 12


def test_the_policy_names_each_script_by_its_hash_and_nothing_is_loaded(make_facts: MakeFacts) -> None:
    elements = Elements(render_page(run_page(make_facts())))
    policy = next(a["content"] for tag, a in elements.found if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert policy.count("'sha256-") == 1
    for tag, attributes in elements.found:
        for name in ("src", "href", "srcset", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)


def test_the_verdict_is_that_of_the_terminal(make_facts: MakeFacts) -> None:
    facts = make_facts(0.6)
    page = run_page(facts)
    assert page.verdict == ("The recipe loses to k-means in ACC (0.6000 against 0.7000).",)
    assert list(page.verdict) == baseline_verdicts(facts)
    assert page.spread == ONE_SEED
    text = render_page(page)
    assert text.index(page.verdict[0]) < text.index(ONE_SEED) < text.index('<section id="scores"')


def test_alarms_are_on_top(make_facts: MakeFacts) -> None:
    text = render_page(run_page(replace(make_facts(), occupancy=np.array([20, 0, 0]))))
    assert text.index("2 of 3 clusters are empty (2, 3)") < text.index('<section id="scores"')
    assert "<strong>Alarm:</strong> The run has collapsed" in text


def test_the_best_score_of_a_row_is_marked(make_facts: MakeFacts) -> None:
    facts = make_facts(0.8, {"kmeans": {"accuracy": 0.7}, "gmm": {"accuracy": 0.8, "nmi": 0.6}})
    section = scores_section(facts)
    assert section.tables[0].rows[1] == ["NMI", "0.5000", "–", "0.6000"]
    assert list(section.tables[0].best) == [frozenset({1, 3}), frozenset({3})]
    text = render_page(Page("tiny", "", sections=(section,)))
    assert re.findall(r"<strong>([\d.]+)</strong>", text) == ["0.8000", "0.8000", "0.6000"]


def test_without_labels_the_page_says_so(unlabelled: RunFacts) -> None:
    text = render_page(run_page(unlabelled))
    assert '<p class="lead">The data have no labels, so no metric was computed.</p>' in text


def test_code_in_prose_is_marked_and_escaped(make_facts: MakeFacts) -> None:
    text = render_page(run_page(replace(make_facts(), warnings=("use `a<b` or ` alone",))))
    assert "use <code>a&lt;b</code> or ` alone" in text


def test_numbers_must_be_finite() -> None:
    @final
    @dataclass(frozen=True, slots=True, kw_only=True)
    class NotFinite(Section):
        key: str = "broken"
        title: str = "Broken"
        template: ClassVar[str] = "recipe.html"
        recipe: str = ""
        versions: tuple[tuple[str, str], ...] = (("", ""),)

        def data(self) -> Json:
            return [float("nan")]

    with pytest.raises(ValueError, match="JSON compliant"):
        render_page(Page("", "", sections=(NotFinite(),)))


def test_file_names_that_are_not_utf8_are_written(tmp_path: Path) -> None:
    path = write_page(tmp_path / "report.html", Page("a\udcffb", ""))
    assert "<h1>a?b</h1>" in path.read_text("utf-8")

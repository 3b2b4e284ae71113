"""The sections about a run itself: its circumstances, what to try next, its recipe and the versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from latentclust.report.facts import RunFacts
from latentclust.report.page.section import Section
from latentclust.report.run_text import run_facts, suggestions
from latentclust.report.starts_section import starts_rows, starts_sentence


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunSection(Section):
    """Circumstances of a run.

    Attributes:
        facts: Terms and their texts.
        starts: What is to be known about several starts, in Markdown. Empty for a single one.
        start_cells: Header and rows of the scores of all starts. Empty for a single one.
        suggestions: What to try next, in Markdown.
    """

    key: str = "run"
    title: str = "Run"
    template: ClassVar[str] = "run.html"
    facts: Sequence[tuple[str, str]]
    starts: str
    start_cells: Sequence[Sequence[str]]
    suggestions: Sequence[str]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSection(Section):
    """Recipe and versions.

    Attributes:
        recipe: Resolved recipe as TOML.
        versions: Header and rows of the versions of distributions.
    """

    key: str = "recipe"
    title: str = "Recipe"
    template: ClassVar[str] = "recipe.html"
    recipe: str
    versions: Sequence[Sequence[str]]


def run_section(facts: RunFacts) -> RunSection:
    """Return the section of a run's circumstances."""
    starts = facts.starts
    return RunSection(
        facts=run_facts(facts),
        starts=starts_sentence(starts) if starts else "",
        start_cells=starts_rows(starts) if starts else (),
        suggestions=suggestions(facts),
    )


def recipe_section(facts: RunFacts) -> RecipeSection:
    """Return the section of the recipe and the versions."""
    versions = [["distribution", "version"], *(list(item) for item in facts.versions.items())]
    return RecipeSection(recipe=facts.recipe_text.strip(), versions=versions)

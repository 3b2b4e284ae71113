"""The page of a run as far as its facts go; sections of images and of label maps are added by what reads the data."""

from collections.abc import Sequence
from math import isfinite

from latentclust.evaluate.empty_clusters import find_empty
from latentclust.evaluate.seeds import effective_clusters, has_collapsed
from latentclust.report.alarms import alarms
from latentclust.report.display_names import recipe_title
from latentclust.report.facts import RunFacts
from latentclust.report.page.page import Page
from latentclust.report.page.section import Section
from latentclust.report.page.sections.run import recipe_section, run_section
from latentclust.report.page.sections.scores import scores_section
from latentclust.report.result_text import TRIAL, baseline_verdicts
from latentclust.report.results import NO_LABELS
from latentclust.report.run_text import COLLAPSED, MASKED

ONE_SEED = "One seed only: the spread between seeds is unknown."


def run_page(facts: RunFacts, sections: Sequence[Section] = (), first: Sequence[Section] = ()) -> Page:
    """Return the page of a run.

    Args:
        facts: Facts of the run.
        sections: Sections between the scores and the circumstances of the run.
        first: Sections above the scores.
    """
    collapsed = (COLLAPSED,) if has_collapsed(facts.occupancy) else ()
    return Page(
        title=recipe_title(facts.recipe, facts.trial),
        subtitle=f"{facts.protocol}.",
        verdict=tuple(baseline_verdicts(facts)) if facts.metrics is not None else (NO_LABELS,),
        spread=ONE_SEED,
        alarms=(*collapsed, *alarms(facts)),
        notes=(*((TRIAL,) if facts.trial else ()), *((MASKED,) if facts.protocol.masked_by_labels else ())),
        glance=_glance(facts),
        sections=(*first, scores_section(facts), *sections, run_section(facts), recipe_section(facts)),
    )


def _glance(facts: RunFacts) -> tuple[tuple[str, str], ...]:
    empty = find_empty(facts.occupancy).empty
    confidence = facts.confidence
    return (
        (facts.protocol.unit, f"{int(facts.occupancy.sum()):,}"),
        ("clusters in use", f"{facts.clusters - len(empty)} of {facts.clusters}"),
        ("effective clusters", f"{effective_clusters(facts.occupancy):.1f}"),
        *((("mean confidence", f"{confidence:.3f}"),) if confidence is not None and isfinite(confidence) else ()),
    )

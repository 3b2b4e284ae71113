"""The report of a run, report.md: its scores, compared with the baselines, and what they mean."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.evaluate.match import UNMATCHED
from latentclust.evaluate.seeds import has_collapsed
from latentclust.files import write_atomic
from latentclust.report.alarms import alarms
from latentclust.report.display_names import class_names, recipe_title
from latentclust.report.facts import ReportFigure, RunFacts
from latentclust.report.markdown import markdown_table
from latentclust.report.result_text import (
    CLASS_COLUMNS,
    TRIAL,
    baseline_verdicts,
    chain_sentence,
    class_rows,
    label_free_rows,
    label_free_sentence,
    pixel_sentence,
)
from latentclust.report.results import NO_LABELS
from latentclust.report.run_text import (
    COLLAPSED,
    MASKED,
    cluster_sentence,
    metric_meanings,
    oracle_sentence,
    readout_rows,
    readout_sentence,
    run_facts,
    score_rows,
    suggestions,
)
from latentclust.report.starts_section import starts_section

REPORT = "report.md"


def write_report(folder: Path, facts: RunFacts, figures: Sequence[ReportFigure] = ()) -> Path:
    """Write report.md to a run folder and return its path. Raise LatentclustError if it cannot be written."""
    path = folder / REPORT
    write_atomic(path, render_report(facts, figures))
    return path


def render_report(facts: RunFacts, figures: Sequence[ReportFigure] = ()) -> str:
    """Return the report as Markdown. Its figures are embedded by relative path."""
    masked = f" **{MASKED}**" * facts.protocol.masked_by_labels
    sections = [
        f"# {recipe_title(facts.recipe, facts.trial)}\n\n{facts.protocol}.{masked}",
        f"**{TRIAL}**" * facts.trial,
        _result(facts),
        "\n\n".join(f"**Alarm: {sentence}**" for sentence in alarms(facts)),
        _readouts(facts),
        _chains(facts),
        _run(facts),
        starts_section(facts),
        _clusters(facts),
        _classes(facts),
        _figures(figures),
        _next(facts),
        _glossary(facts),
        f"## Recipe\n\n```toml\n{facts.recipe_text.strip()}\n```",
        "## Versions\n\n"
        + markdown_table(["distribution", "version"], [list(item) for item in facts.versions.items()]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _result(facts: RunFacts) -> str:
    if facts.metrics is None:
        return "\n\n".join((f"## Result\n\n{NO_LABELS} Look at the clusters below.", *_label_free(facts)))
    header, *rows = score_rows(facts)
    table = markdown_table(header, rows)
    verdicts = [f"**{sentence}**" for sentence in baseline_verdicts(facts)]
    return "\n\n".join(["## Result", table, *verdicts, oracle_sentence(facts)]).strip()


def _label_free(facts: RunFacts) -> list[str]:
    """Return the scores without labels, and what they mean."""
    if facts.label_free is None:
        return []
    header, *rows = label_free_rows(facts)
    return [markdown_table(header, rows), label_free_sentence(facts)]


def _readouts(facts: RunFacts) -> str:
    """Return the scores of the other inference methods on the same model."""
    if not facts.readouts:
        return ""
    header, *rows = readout_rows(facts)
    return f"## Other inference methods\n\n{readout_sentence(facts)}\n\n" + markdown_table(header, rows)


def _chains(facts: RunFacts) -> str:
    """Return the agreement of independent chains."""
    sentence = chain_sentence(facts)
    return f"## Chains\n\n{sentence}" if sentence else ""


def _run(facts: RunFacts) -> str:
    return "## Run\n\n" + "\n".join(f"- {term}: {text}" for term, text in run_facts(facts))


def _clusters(facts: RunFacts) -> str:
    collapse = f" **{COLLAPSED}**" * has_collapsed(facts.occupancy)
    intro = " ".join((f"{cluster_sentence(facts)}{collapse}", *facts.naming))
    header = ["cluster", facts.protocol.unit]
    rows = [[f"{number}", f"{count:,}"] for number, count in enumerate(facts.occupancy, start=1)]
    if facts.names:
        header.insert(1, "name")
        rows = [[row[0], facts.names.get(number, "–"), *row[1:]] for number, row in enumerate(rows, start=1)]
    if facts.by_cluster is not None:
        header += ["largest probability", "mean probability"]
        pairs = zip(facts.by_cluster.largest, facts.by_cluster.mean, strict=True)
        rows = [[*row, f"{largest:.3f}", f"{mean:.3f}"] for row, (largest, mean) in zip(rows, pairs, strict=True)]
    if facts.table is not None and facts.matching is not None:
        header += ["matched class", "share of the cluster"]
        rows = [[*row, *matched] for row, matched in zip(rows, _matches(facts), strict=True)]
    return f"## Clusters\n\n{intro}\n\n" + markdown_table(header, rows)


def _classes(facts: RunFacts) -> str:
    """Return the number of pixels and the scores of each class, for label maps."""
    if facts.protocol.unit != "pixels":
        return ""
    rows = class_rows(facts)
    table = markdown_table(list(CLASS_COLUMNS), rows) if rows else ""
    return f"## Pixels\n\n{pixel_sentence(facts)}\n\n{table}".strip()


def _matches(facts: RunFacts) -> list[list[str]]:
    """Return the matched class of each cluster, and that class's share of the cluster's labelled samples."""
    assert facts.table is not None
    assert facts.matching is not None
    names = class_names(facts.classes, facts.table.shape[1])
    rows = []
    for index, chosen in enumerate(facts.matching):
        labelled = facts.table[index].sum()
        matched = (
            ["unmatched", "–"]
            if chosen == UNMATCHED
            else [names[chosen], f"{facts.table[index, chosen] / labelled:.1%}" if labelled else "–"]
        )
        rows.append(matched)
    return rows


def _figures(figures: Sequence[ReportFigure]) -> str:
    if not figures:
        return ""
    return "## Figures\n\n" + "\n\n".join(
        f"![{figure.caption}]({figure.path})\n\n{figure.caption}" for figure in figures
    )


def _next(facts: RunFacts) -> str:
    return "## What to try next\n\n" + "\n".join(f"- {line}" for line in suggestions(facts))


def _glossary(facts: RunFacts) -> str:
    terms = metric_meanings(facts)
    if not terms:
        return ""
    return "## Terms\n\n" + "\n".join(f"- **{name}**: {meaning}." for name, meaning in terms.items())

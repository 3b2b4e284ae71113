"""report.md: what a run found, beside what k-means finds, and how far it can be trusted."""

from pathlib import Path

from latentclust.evaluate.match import UNMATCHED
from latentclust.evaluate.seeds import effective_clusters, has_collapsed
from latentclust.files import write_atomic
from latentclust.report.advice import advice
from latentclust.report.class_table import class_rows, pixel_sentence
from latentclust.report.display_names import MEANINGS, class_names, display_name, format_score
from latentclust.report.facts import RunFacts
from latentclust.report.results import NO_LABELS
from latentclust.report.verdict import baseline_verdicts, chain_sentence

REPORT = "report.md"

MASKED = (
    " **Ground truth decided which pixels count, in training too, as this protocol has it: the run is not wholly "
    "without labels.**"
)


def write_report(folder: Path, facts: RunFacts) -> Path:
    """Writes report.md into a run's folder and returns its path; raises LatentclustError where it cannot."""
    path = folder / REPORT
    write_atomic(path, render_report(facts))
    return path


def render_report(facts: RunFacts) -> str:
    """The report as Markdown; its figures are embedded by relative path."""
    sections = [
        f"# {facts.recipe}\n\n{facts.protocol}.{MASKED * facts.protocol.masked_by_labels}",
        _result(facts),
        _readouts(facts),
        _chains(facts),
        _run(facts),
        _clusters(facts),
        _classes(facts),
        _figures(facts),
        _next(facts),
        _glossary(facts),
        f"## Recipe\n\n```toml\n{facts.recipe_text.strip()}\n```",
        "## Versions\n\n"
        + markdown_table(["distribution", "version"], [list(item) for item in facts.versions.items()]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A table whose first column is text and whose others are flushed right; a bar in a cell is escaped."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (header, rule, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _result(facts: RunFacts) -> str:
    if facts.metrics is None:
        return f"## Result\n\n{NO_LABELS} Look at the clusters themselves."
    baselines = facts.baselines or {}
    rows = [
        [
            display_name(name),
            format_score(value),
            *(format_score(row[name]) if name in row else "–" for row in baselines.values()),
        ]
        for name, value in facts.metrics.items()
    ]
    table = markdown_table(["", facts.recipe, *map(display_name, baselines)], rows)
    said = [f"**{sentence}**" for sentence in baseline_verdicts(facts)]
    return "\n\n".join(["## Result", table, *said, _oracle(facts)]).strip()


def _readouts(facts: RunFacts) -> str:
    """The table of what other inferences make of the same model."""
    if not facts.readouts:
        return ""
    names = list(facts.metrics or {})
    rows = [["its own", "–", *(format_score((facts.metrics or {})[name]) for name in names)]]
    for label, reading in facts.readouts.items():
        scores = [format_score((reading.metrics or {})[name]) for name in names]
        rows.append([label, f"{reading.agreement:.1%}", *scores])
    said = (
        "The same model, its clusters read out in other ways; agreement is with its own, clusters matched one to one."
    )
    return f"## Other readouts\n\n{said}\n\n" + markdown_table(
        ["inference", "agreement", *map(display_name, names)], rows
    )


def _chains(facts: RunFacts) -> str:
    """Whether the chains can be trusted."""
    said = chain_sentence(facts)
    return f"## Chains\n\n{said}" if said else ""


def _oracle(facts: RunFacts) -> str:
    """What labels would have chosen; never the result."""
    if facts.oracle is None:
        return ""
    scores = [f"{display_name(name)} {format_score(value)}" for name, value in facts.oracle.items() if name != "round"]
    where = f", round {facts.oracle['round']:.0f}" if "round" in facts.oracle else ""
    return f"Best round by labels{where}: {', '.join(scores)}. It is not the result: choosing it takes the labels."


def _run(facts: RunFacts) -> str:
    lines = [
        f"- Seed: {facts.seed}, one run; a single seed says nothing of the spread.",
        *([f"- Stages: {_stages(facts)}."] if facts.stages else []),
        f"- Model selection: {facts.selection}",
        f"- Device: {facts.device}",
        f"- Time: {facts.seconds:.0f} s",
        *(f"- Warning: {warning}" for warning in facts.warnings),
    ]
    return "## Run\n\n" + "\n".join(lines)


def _stages(facts: RunFacts) -> str:
    """Each stage with its rounds."""
    return ", ".join(f"{name} (rounds {first:,} to {last:,})" for name, (first, last) in facts.stages.items())


def _clusters(facts: RunFacts) -> str:
    effective = f"{effective_clusters(facts.occupancy):.1f} of {facts.clusters}"
    collapse = " **The run has collapsed: at most half of its clusters do the work.**" * has_collapsed(facts.occupancy)
    intro = f"Effective number of clusters (the exponential of their entropy): {effective}.{collapse}"
    if facts.table is None or facts.matching is None:
        rows = [[f"{index + 1}", f"{count:,}"] for index, count in enumerate(facts.occupancy)]
        return f"## Clusters\n\n{intro}\n\n" + markdown_table(["cluster", facts.protocol.unit], rows)
    return f"## Clusters\n\n{intro}\n\n" + markdown_table(
        ["cluster", facts.protocol.unit, "class", "of it"], _matching_rows(facts)
    )


def _classes(facts: RunFacts) -> str:
    """Of label maps: how many pixels there are, and how each class fares."""
    if facts.protocol.unit != "pixels":
        return ""
    rows = class_rows(facts)
    table = markdown_table(["class", "pixels", "share", "cluster", "IoU", "recall"], rows) if rows else ""
    return f"## Pixels\n\n{pixel_sentence(facts)}\n\n{table}".strip()


def _matching_rows(facts: RunFacts) -> list[list[str]]:
    """Cluster, samples, matched class, and how many of the cluster's labelled samples are of that class."""
    assert facts.table is not None
    assert facts.matching is not None
    names = class_names(facts.classes, facts.table.shape[1])
    rows = []
    for index, (count, chosen) in enumerate(zip(facts.occupancy, facts.matching, strict=True)):
        labelled = facts.table[index].sum()
        matched = (
            ["unmatched", "–"]
            if chosen == UNMATCHED
            else [names[chosen], f"{facts.table[index, chosen] / labelled:.1%}"]
        )
        rows.append([f"{index + 1}", f"{count:,}", *matched])
    return rows


def _figures(facts: RunFacts) -> str:
    if not facts.figures:
        return ""
    return "## Figures\n\n" + "\n\n".join(
        f"![{figure.caption}]({figure.path})\n\n{figure.caption}" for figure in facts.figures
    )


def _next(facts: RunFacts) -> str:
    return "## What to try next\n\n" + "\n".join(f"- {line}" for line in advice(facts))


def _glossary(facts: RunFacts) -> str:
    meanings = {
        name: MEANINGS[name].format(nmi=facts.protocol.nmi, unit=facts.protocol.unit)
        for name in facts.metrics or {}
        if name in MEANINGS
    }
    if not meanings:
        return ""
    return "## Terms\n\n" + "\n".join(f"- **{display_name(name)}**: {meaning}." for name, meaning in meanings.items())

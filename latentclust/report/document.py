"""The report of a run, report.md: its scores, compared with the baselines, and what they mean."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.evaluate.empty_clusters import find_empty
from latentclust.evaluate.match import UNMATCHED
from latentclust.evaluate.seeds import effective_clusters, has_collapsed
from latentclust.files import write_atomic
from latentclust.report.alarms import alarms, remedies
from latentclust.report.display_names import MEANINGS, class_names, display_name, format_score, recipe_title
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
    loses_to,
    pixel_sentence,
)
from latentclust.report.results import NO_LABELS
from latentclust.report.starts_section import starts_section

REPORT = "report.md"

SUGGESTED_SEEDS = 5

MASKED = (
    " **Ground truth decided which pixels count, in training too, as this protocol requires: the run is not fully "
    "unsupervised.**"
)


def write_report(folder: Path, facts: RunFacts, figures: Sequence[ReportFigure] = ()) -> Path:
    """Write report.md to a run folder and return its path. Raise LatentclustError if it cannot be written."""
    path = folder / REPORT
    write_atomic(path, render_report(facts, figures))
    return path


def render_report(facts: RunFacts, figures: Sequence[ReportFigure] = ()) -> str:
    """Return the report as Markdown. Its figures are embedded by relative path."""
    sections = [
        f"# {recipe_title(facts.recipe, facts.trial)}\n\n{facts.protocol}.{MASKED * facts.protocol.masked_by_labels}",
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
    verdicts = [f"**{sentence}**" for sentence in baseline_verdicts(facts)]
    return "\n\n".join(["## Result", table, *verdicts, _oracle(facts)]).strip()


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
    names = list(facts.metrics or {})
    rows = [["the model's own", "–", *(format_score((facts.metrics or {})[name]) for name in names)]]
    for label, reading in facts.readouts.items():
        scores = [format_score((reading.metrics or {})[name]) for name in names]
        rows.append([label, f"{reading.agreement:.1%}", *scores])
    intro = (
        f"The same model with other inference methods. Agreement is the share of {facts.protocol.unit} in the same "
        "cluster as by the model's own inference, after one-to-one matching of the clusters."
    )
    return f"## Other inference methods\n\n{intro}\n\n" + markdown_table(
        ["inference", "agreement", *map(display_name, names)], rows
    )


def _chains(facts: RunFacts) -> str:
    """Return the agreement of independent chains."""
    sentence = chain_sentence(facts)
    return f"## Chains\n\n{sentence}" if sentence else ""


def _oracle(facts: RunFacts) -> str:
    """Return the best round by labels. It is never the result."""
    if facts.oracle is None:
        return ""
    scores = [f"{display_name(name)} {format_score(value)}" for name, value in facts.oracle.items() if name != "round"]
    where = f", round {facts.oracle['round']:.0f}" if "round" in facts.oracle else ""
    return (
        f"Best round by labels{where}: {', '.join(scores)}. "
        "This is not the result, because only labels can select this round."
    )


def _run(facts: RunFacts) -> str:
    lines = [
        f"- Seed: {facts.seed}, one run. A single seed does not show the spread between runs.",
        *([f"- Stages: {_stages(facts)}."] if facts.stages else []),
        f"- Model selection: {facts.selection}",
        f"- Device: {facts.device}",
        *([f"- Precision of the training: {facts.precision}"] if facts.precision else []),
        f"- Time: {facts.seconds:.0f} s{_features_time(facts)}",
        *(f"- Pretrained weights: {origin}" for origin in facts.weights),
        *(f"- Warning: {warning}" for warning in facts.warnings),
    ]
    return "## Run\n\n" + "\n".join(lines)


def _features_time(facts: RunFacts) -> str:
    """Return the time of the feature bank, which several runs may share."""
    if facts.features_seconds is None:
        return ""
    return f", and {facts.features_seconds:.0f} s for the features, computed once for all runs that share the bank"


def _stages(facts: RunFacts) -> str:
    """Return each stage with its rounds."""
    return ", ".join(f"{name} (rounds {first:,} to {last:,})" for name, (first, last) in facts.stages.items())


def _clusters(facts: RunFacts) -> str:
    effective = f"{effective_clusters(facts.occupancy):.1f} of {facts.clusters}"
    collapse = " **The run has collapsed: it uses at most half of its clusters.**" * has_collapsed(facts.occupancy)
    found = find_empty(facts.occupancy)
    counts = f" Empty: {len(found.empty)}. Near-empty: {len(found.near_empty)}."
    intro = f"Effective number of clusters (the exponential of their entropy): {effective}.{counts}{collapse}"
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
    return "## What to try next\n\n" + "\n".join(f"- {line}" for line in _suggestions(facts))


def _suggestions(facts: RunFacts) -> list[str]:
    """Return suggestions in Markdown, the most pressing first."""
    lines = []
    if facts.trial:
        lines.append(f"This is a trial. Run the whole recipe: `latentclust run {facts.recipe}`.")
    lines += facts.causes or (remedies(facts) if has_collapsed(facts.occupancy) else ())
    if facts.metrics is not None and any(loses_to(facts.metrics, row) for row in (facts.baselines or {}).values()):
        command = f"`latentclust run {facts.recipe} --set train.rounds=N`"
        fix = (
            f"Train longer: {command}." if facts.trained else "Change `data.preprocess` or the options of [inference]."
        )
        lines.append(f"A baseline scores higher than this run. {fix}")
    of_pixels = facts.protocol.unit == "pixels"
    if facts.metrics is None:
        shown = "label maps" if of_pixels else "samples per cluster"
        lines.append(
            f"There are no labels. Look at the {shown}, and try another number of clusters: `--set prior.clusters=K`."
        )
    lines.append(
        f"One seed is not a result. `latentclust run {facts.recipe} --seeds {SUGGESTED_SEEDS}` reports mean and "
        "standard deviation."
    )
    if of_pixels:
        lines.append("Label scenes with this model: `latentclust label model.safetensors SCENES --out labels`.")
    else:
        predict = "`latentclust predict model.safetensors IMAGES --out clusters.csv`"
        lines.append(f"Cluster other images with this model: {predict}.")
    lines.append("Compare this run with others: `latentclust compare RUN RUN`.")
    return lines


def _glossary(facts: RunFacts) -> str:
    meanings = {
        name: MEANINGS[name].format(nmi=facts.protocol.nmi, unit=facts.protocol.unit)
        for name in facts.metrics or {}
        if name in MEANINGS
    }
    if not meanings:
        return ""
    return "## Terms\n\n" + "\n".join(f"- **{display_name(name)}**: {meaning}." for name, meaning in meanings.items())

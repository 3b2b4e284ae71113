"""Sentences and table rows about how a run was made, which report.md and report.html show."""

from latentclust.evaluate.empty_clusters import find_empty
from latentclust.evaluate.seeds import effective_clusters, has_collapsed
from latentclust.report.alarms import remedies
from latentclust.report.display_names import MEANINGS, display_name, format_score
from latentclust.report.facts import PluginFacts, RunFacts
from latentclust.report.result_text import loses_to

SUGGESTED_SEEDS = 5

MASKED = (
    "Ground truth decided which pixels count, in training too, as this protocol requires: the run is not fully "
    "unsupervised."
)

COLLAPSED = "The run has collapsed: it uses at most half of its clusters."


def score_rows(facts: RunFacts) -> list[list[str]]:
    """Return header and rows of the scores: a column for the run and for each baseline. Empty without ground truth."""
    if facts.metrics is None:
        return []
    baselines = facts.baselines or {}
    rows = [
        [
            display_name(name),
            format_score(value),
            *(format_score(row[name]) if name in row else "–" for row in baselines.values()),
        ]
        for name, value in facts.metrics.items()
    ]
    return [["", facts.recipe, *map(display_name, baselines)], *rows]


def oracle_sentence(facts: RunFacts) -> str:
    """Return the best round by labels, which is never the result. Empty without a learning curve."""
    if facts.oracle is None:
        return ""
    scores = [f"{display_name(name)} {format_score(value)}" for name, value in facts.oracle.items() if name != "round"]
    where = f", round {facts.oracle['round']:.0f}" if "round" in facts.oracle else ""
    return (
        f"Best round by labels{where}: {', '.join(scores)}. "
        "This is not the result, because only labels can select this round."
    )


def readout_sentence(facts: RunFacts) -> str:
    """Return what the table of other inference methods shows."""
    return (
        f"The same model with other inference methods. Agreement is the share of {facts.protocol.unit} in the same "
        "cluster as by the model's own inference, after one-to-one matching of the clusters."
    )


def readout_rows(facts: RunFacts) -> list[list[str]]:
    """Return header and rows of the scores by inference method; the first row is the model's own."""
    names = list(facts.metrics or {})
    rows = [["the model's own", "–", *(format_score((facts.metrics or {})[name]) for name in names)]]
    for label, reading in facts.readouts.items():
        scores = [format_score((reading.metrics or {})[name]) for name in names]
        rows.append([label, f"{reading.agreement:.1%}", *scores])
    return [["inference", "agreement", *map(display_name, names)], *rows]


def run_facts(facts: RunFacts) -> list[tuple[str, str]]:
    """Return the circumstances of a run, each as a term and its text."""
    return [
        ("Seed", f"{facts.seed}, one run. A single seed does not show the spread between runs."),
        *([("Stages", f"{_stages(facts)}.")] if facts.stages else []),
        ("Model selection", facts.selection),
        ("Device", facts.device),
        *([("Precision of the training", facts.precision)] if facts.precision else []),
        ("Time", f"{facts.seconds:.0f} s{_features_time(facts)}"),
        *(("Pretrained weights", origin) for origin in facts.weights),
        *(("Plugin", _plugin_sentence(plugin)) for plugin in facts.plugins),
        *(("Warning", warning) for warning in facts.warnings),
    ]


def _plugin_sentence(plugin: PluginFacts) -> str:
    """Return what a given plugin provides, and what identifies its source."""
    source = f"SHA-256 {plugin.sha256}" if plugin.sha256 else "its source is unknown"
    copy = f"; a copy is {plugin.copy}" if plugin.copy else ""
    return f"{', '.join(plugin.parts)} of {plugin.name} ({source}{copy})"


def cluster_sentence(facts: RunFacts) -> str:
    """Return the effective number of clusters and the numbers of empty and near-empty ones, as sentences."""
    effective = f"{effective_clusters(facts.occupancy):.1f} of {facts.clusters}"
    found = find_empty(facts.occupancy)
    return (
        f"Effective number of clusters (the exponential of their entropy): {effective}. Empty: {len(found.empty)}. "
        f"Near-empty: {len(found.near_empty)}."
    )


def suggestions(facts: RunFacts) -> list[str]:
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


def metric_meanings(facts: RunFacts) -> dict[str, str]:
    """Return the meaning of each bundled metric of a run by its display name."""
    return {
        display_name(name): MEANINGS[name].format(nmi=facts.protocol.nmi, unit=facts.protocol.unit)
        for name in facts.metrics or {}
        if name in MEANINGS
    }


def _features_time(facts: RunFacts) -> str:
    """Return the time of the feature bank, which several runs may share."""
    if facts.features_seconds is None:
        return ""
    return f", and {facts.features_seconds:.0f} s for the features, computed once for all runs that share the bank"


def _stages(facts: RunFacts) -> str:
    """Return each stage with its rounds."""
    return ", ".join(f"{name} (rounds {first:,} to {last:,})" for name, (first, last) in facts.stages.items())

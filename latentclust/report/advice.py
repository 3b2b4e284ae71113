"""What to try after a run, by what it came to."""

from collections.abc import Mapping

from latentclust.evaluate.seeds import has_collapsed
from latentclust.report.facts import RunFacts
from latentclust.report.verdict import loses_to

SEEDS = 5


def advice(facts: RunFacts) -> list[str]:
    """Suggestions, the most pressing first, in Markdown."""
    lines = []
    if has_collapsed(facts.occupancy):
        lines.append(
            "The clusters collapsed. Try another seed; if it happens again, raise the weight of the loss that ties "
            f"clusters to images (`latentclust recipe show {facts.recipe}` lists them) or lower the learning rate."
        )
    if any(_loses_to(facts, scores) for scores in (facts.baselines or {}).values()):
        lines.append(f"A baseline is ahead. Train longer: `latentclust run {facts.recipe} --set train.rounds=N`.")
    if facts.metrics is None:
        lines.append(
            f"There are no labels. Look at the {_shown(facts)}, and try another number: `--set prior.clusters=K`."
        )
    lines.append(
        f"One seed is not a result: `latentclust run {facts.recipe} --seeds {SEEDS}` gives mean and deviation."
    )
    if facts.protocol.unit == "samples":
        lines.append(
            "Cluster other images with this model: `latentclust predict model.safetensors IMAGES --out clusters.csv`."
        )
    else:
        lines.append("Label scenes with this model: `latentclust label model.safetensors SCENES --out labels`.")
    lines.append("Set this run beside others: `latentclust compare RUN RUN`.")
    return lines


def _shown(facts: RunFacts) -> str:
    return "label maps" if facts.protocol.unit == "pixels" else "samples per cluster"


def _loses_to(facts: RunFacts, scores: Mapping[str, float]) -> bool:
    return facts.metrics is not None and bool(loses_to(facts.metrics, scores))

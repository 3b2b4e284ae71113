"""The section of a report about a training with several starts."""

from latentclust.report.facts import RunFacts
from latentclust.report.markdown import markdown_table
from latentclust.train.starts_file import StartScore, StartsLog

INTRO = (
    "{count} starts were trained from other initial weights and in other orders, and compared without labels by "
    "{criteria}, in this order of importance. Start {chosen} went on to the end. A run with seed {seed} and "
    "`train.starts = 1` trains the same weights."
)

OF_STAGE = (
    "{count} starts of the stage `{stage}` were trained from the same weights of the stages before, each with other "
    "initial weights of the networks that the stage is the first to train and in another order, and compared without "
    "labels by {criteria}, in this order of importance. Start {chosen} went on to the end."
)


def starts_section(facts: RunFacts) -> str:
    """Return the scores of all starts at each decision; empty for a training with a single start."""
    if facts.starts is None:
        return ""
    header, *rows = starts_rows(facts.starts)
    return f"## Starts\n\n{starts_sentence(facts.starts)}\n\n" + markdown_table(header, rows)


def starts_sentence(log: StartsLog) -> str:
    """Return how the starts were compared and which one was chosen, in Markdown."""
    seed = next(score.seed for decision in log.decisions for score in decision.scores if score.start == log.chosen)
    criteria = ", ".join(f"`{name}`" for name in log.criteria)
    said = {"count": log.count, "criteria": criteria, "chosen": log.chosen, "seed": seed, "stage": log.stage}
    return (OF_STAGE if log.stage else INTRO).format(**said)


def starts_rows(log: StartsLog) -> list[list[str]]:
    """Return header and rows of the scores of all starts at each decision."""
    rows = [
        [
            f"{decision.round:,}",
            str(score.start),
            str(score.seed),
            *_values(score, log.keys),
            _outcome(score, decision.kept),
        ]
        for decision in log.decisions
        for score in decision.scores
    ]
    return [["after round", "start", "seed", *log.keys, ""], *rows]


def _values(score: StartScore, keys: tuple[str, ...]) -> list[str]:
    values = [score.values.get(key) for key in keys]
    return ["–" if value is None else f"{value:.4g}" for value in values]


def _outcome(score: StartScore, kept: tuple[int, ...]) -> str:
    if score.failed is not None:
        return "failed"
    return "went on" if score.start in kept else "dropped"

"""The report's table of classes of label maps: how many pixels each has, and how its matched cluster fares."""

import numpy as np

from latentclust.evaluate.clustering import class_scores
from latentclust.evaluate.match import UNMATCHED
from latentclust.report.display_names import class_names, format_score
from latentclust.report.facts import RunFacts


def class_rows(facts: RunFacts) -> list[list[str]]:
    """Class, pixels, their share, the matched cluster, IoU and recall; nothing without ground truth."""
    if facts.table is None or facts.matching is None:
        return []
    scores = class_scores(facts.table, facts.matching)
    names = class_names(facts.classes, len(scores.pixels))
    share = scores.pixels / scores.pixels.sum()
    return [
        [
            name,
            f"{scores.pixels[index]:,}",
            f"{share[index]:.1%}",
            "none" if scores.cluster[index] == UNMATCHED else f"{scores.cluster[index] + 1}",
            _shown(scores.iou[index]),
            _shown(scores.recall[index]),
        ]
        for index, name in enumerate(names)
    ]


def class_iou(facts: RunFacts) -> dict[str, float | None]:
    """Intersection over union by class; null of a class without pixels, and nothing without ground truth."""
    if facts.table is None or facts.matching is None:
        return {}
    iou = class_scores(facts.table, facts.matching).iou
    names = class_names(facts.classes, len(iou))
    return {name: None if np.isnan(value) else float(value) for name, value in zip(names, iou, strict=True)}


def pixel_sentence(facts: RunFacts) -> str:
    """How many pixels there are, how many of them are scored, and the mean confidence, as sentences."""
    pixels = int(facts.occupancy.sum())
    scored = 0 if facts.table is None else int(facts.table.sum())
    with_label = f"; {scored:,} of them have a label and are scored" if scored else ""
    sure = "" if facts.confidence is None else f" Mean confidence: {facts.confidence:.3f}."
    return f"{pixels:,} pixels are data{with_label}.{sure}"


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else format_score(float(value))

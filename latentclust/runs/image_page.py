"""The page of a run of images: its clusters, codes, contingency table, samples to review and curves."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.cluster_confusion import confusion
from latentclust.model.model import ClusteringModel
from latentclust.report.colours import LEVELS, cluster_colours, map_colours
from latentclust.report.display_names import class_names
from latentclust.report.embedding import pca
from latentclust.report.facts import RunFacts
from latentclust.report.page.atlas import make_atlas
from latentclust.report.page.page import Page, render_page
from latentclust.report.page.run_page import run_page
from latentclust.report.page.section import Section
from latentclust.report.page.sections.clusters import OTHER, ClusterCard, Clusters, Share
from latentclust.report.page.sections.codes import Codes
from latentclust.report.page.sections.contingency import contingency_section
from latentclust.report.page.sections.curves import training_curves
from latentclust.report.run_text import cluster_sentence
from latentclust.runs.code_maps import CodeMaps
from latentclust.runs.generated_images import generated_section
from latentclust.runs.page_choice import images_per_row
from latentclust.runs.page_pictures import read_pictures
from latentclust.runs.page_samples import PageSamples, page_samples, titles
from latentclust.runs.review_section import review_section
from latentclust.specs.data import ImageSet
from latentclust.tensors import Posterior

MAX_BYTES = 8_000_000
"""Maximum size of a page."""

IMAGE_BYTES = 5_000_000
"""Maximum size of the pictures of a page. They get less if the rest of the page is large."""

SHOWN_PER_ROW = 8
"""Number of images of a row of a card. The dialog of a cluster has all."""

IN_DARK = "@media (prefers-color-scheme: dark){.thumb{filter:invert(0.88) hue-rotate(180deg)}}"
"""Rule that shows profiles of vectors, which are dark on white, on a dark page."""

LEAST_IMAGE_BYTES = 300_000
"""Size that the pictures may always have, which is enough for 5,000 of the smallest."""

MOST_CLASSES = 20
"""Maximum number of classes of a card. The others are one part."""

MOST_CONFUSED = 5
LEAST_CONFUSED = 0.001
"""Maximum number of confused clusters of a card, and the least mean probability of one."""


def image_page(
    model: ClusteringModel, tested: ImageSet, posterior: Posterior, facts: RunFacts, codes: CodeMaps
) -> Page:
    """Return the page of a run of images, of at most `MAX_BYTES`.

    The page is rendered without pictures first, which then get what is left, so that the bound holds by construction
    as long as the text is smaller than the bound.

    Args:
        model: Trained model.
        tested: Data set that was scored.
        posterior: Posterior of its images.
        facts: Facts of the run.
        codes: Maps of the codes.
    """
    probabilities = posterior.probabilities.numpy()
    samples = page_samples(model, tested, probabilities, facts, codes)
    table = contingency_section(facts, titles(facts))
    sections: list[Section] = [
        _clusters(model, probabilities, samples, facts),
        _codes(codes, samples, facts),
        *([table] if table else []),
        *([drawn] if (drawn := generated_section(model, facts)) else []),
        review_section(samples, tested, titles(facts)),
        *training_curves(facts),
    ]
    page = replace(run_page(facts, sections), samples=samples.table, css=_colours(facts))
    left = max(MAX_BYTES - len(render_page(page).encode("utf-8", "replace")), LEAST_IMAGE_BYTES)
    atlas = make_atlas(read_pictures(model, tested.source, samples.table.index), min(IMAGE_BYTES, left))
    inverted = IN_DARK if len(tested.source.shape) == 1 else ""
    return replace(page, css=f"{page.css}\n{atlas.css()}\n{inverted}")


def _clusters(
    model: ClusteringModel, probabilities: NDArray[np.float32], samples: PageSamples, facts: RunFacts
) -> Clusters:
    mixed = confusion(probabilities, samples.found.labels)
    names = titles(facts)
    cards = [_card(cluster, mixed, samples, facts, names) for cluster in samples.cards]
    left_out = "" if len(cards) == facts.clusters else f" The {len(cards)} largest clusters have a card."
    return Clusters(
        cards=cards,
        unit=facts.protocol.unit,
        sentence=cluster_sentence(facts) + left_out,
        labelled=facts.table is not None,
        caption=model.display_text,
        shown=min(SHOWN_PER_ROW, images_per_row(len(cards))),
    )


def _card(
    cluster: int, mixed: NDArray[np.float64], samples: PageSamples, facts: RunFacts, names: Sequence[str]
) -> ClusterCard:
    size = int(facts.occupancy[cluster])
    chosen = samples.cards[cluster]
    if not size:
        return ClusterCard(cluster, names[cluster], 0, 0.0)
    classes, left_out = _classes(cluster, facts)
    others = np.argsort(-np.where(np.arange(facts.clusters) == cluster, -1, mixed[cluster]), kind="stable")
    return ClusterCard(
        cluster,
        names[cluster],
        size,
        size / int(facts.occupancy.sum()),
        confidence=float(mixed[cluster, cluster]),
        purity=classes[0].share if classes else None,
        classes=classes,
        other_classes=left_out,
        confused=[
            Share(int(other), names[other], float(mixed[cluster, other]))
            for other in others[:MOST_CONFUSED]
            if other != cluster and mixed[cluster, other] >= LEAST_CONFUSED
        ],
        surest=samples.table.slots(chosen.surest),
        least_sure=samples.table.slots(chosen.least_sure),
        random=samples.table.slots(chosen.random),
    )


def _classes(cluster: int, facts: RunFacts) -> tuple[list[Share], int]:
    """Return the largest classes of a cluster and all others as one part, and the number of these."""
    if facts.table is None:
        return [], 0
    counts = facts.table[cluster]
    names = class_names(facts.classes, len(counts))
    order = [int(number) for number in np.argsort(-counts, kind="stable") if counts[number]]
    total = int(counts.sum())
    shown = order if len(order) <= MOST_CLASSES + 1 else order[:MOST_CLASSES]
    parts = [Share(number, names[number], int(counts[number]) / total, int(counts[number])) for number in shown]
    left_out = len(order) - len(shown)
    if left_out:
        rest = total - int(counts[shown].sum())
        parts.append(Share(OTHER, f"{left_out:,} other classes", rest / total, rest))
    return parts, left_out


def _codes(codes: CodeMaps, samples: PageSamples, facts: RunFacts) -> Codes:
    maps = {f"t-SNE of the {title}": points for title, points in codes.tsne.items()}
    maps |= {f"PCA of the {title}": pca(code) for title, code in codes.codes.items()}
    return Codes(
        slots=samples.table.slots(codes.indices),
        maps=maps,
        labelled=samples.classes is not None,
        cluster_colours=_hex(_cluster_colours(facts)),
        class_colours=_hex(map_colours(0 if facts.table is None else facts.table.shape[1])),
        total=int(facts.occupancy.sum()),
    )


def _cluster_colours(facts: RunFacts) -> NDArray[np.float32]:
    """Return the colours of clusters, each that of its matched class."""
    return cluster_colours(facts.clusters, facts.matching, 0 if facts.table is None else facts.table.shape[1])


def _colours(facts: RunFacts) -> str:
    """Return the rules of the classes `group-N` of clusters and `class-N` of classes."""
    groups = _hex(_cluster_colours(facts))
    classes = _hex(map_colours(0 if facts.table is None else facts.table.shape[1]))
    rules = [f".group-{number}{{background:{colour}}}" for number, colour in enumerate(groups)]
    return "\n".join([*rules, *(f".class-{number}{{background:{colour}}}" for number, colour in enumerate(classes))])


def _hex(colours: NDArray[np.float32]) -> list[str]:
    levels = np.rint(colours * LEVELS).astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in levels.tolist()]

"""The section of the page about likely misplaced samples and likely duplicates, in words."""

from collections.abc import Sequence

from latentclust.report.display_names import isolate
from latentclust.report.page.sections.review import Finding, FindingList, Review
from latentclust.runs.page_review import CERTAIN, COMPARED_SIDE, THRESHOLD
from latentclust.runs.page_samples import PageSamples
from latentclust.specs.data import ImageSet


def review_section(samples: PageSamples, tested: ImageSet, titles: Sequence[str]) -> Review:
    """Return the samples that deserve a look.

    Args:
        samples: Samples of the page.
        tested: Data set that was scored.
        titles: Display names of the clusters.
    """
    lists = [_unsure(samples, titles)]
    if samples.classes is not None:
        lists.append(_disagreeing(samples, titles))
    return Review(lists=[*lists, _duplicates(samples, tested)])


def _unsure(samples: PageSamples, titles: Sequence[str]) -> FindingList:
    table = samples.table
    findings = [
        Finding(
            [slot],
            f"{isolate(titles[table.cluster[slot]])} ({table.confidence[slot]:.3f})"
            + (
                f" or {isolate(titles[table.second[slot]])} ({table.second_probability[slot]:.3f})"
                if table.second[slot] >= 0
                else ""
            ),
        )
        for slot in table.slots(samples.suspects.unsure)
    ]
    return FindingList(
        "Between two clusters",
        "Samples whose cluster leads least over the next one, by the difference of the two probabilities, smallest "
        f"first. Samples with a probability of at least {CERTAIN:g} are not listed.",
        findings,
        f"Every sample has a probability of at least {CERTAIN:g}.",
    )


def _disagreeing(samples: PageSamples, titles: Sequence[str]) -> FindingList:
    table = samples.table
    assert table.classes is not None
    findings = [
        Finding(
            [slot],
            f"class {isolate(table.class_names[table.classes[slot]])}, in {isolate(titles[table.cluster[slot]])} "
            f"({table.confidence[slot]:.3f})",
        )
        for slot in table.slots(samples.suspects.disagreeing)
    ]
    return FindingList(
        "In the cluster of another class",
        "Samples whose class is not the one that their cluster is matched with, by the probability of the cluster, "
        "largest first: errors of the clustering, or of the labels.",
        findings,
        "No sample is in the cluster of another class.",
    )


def _duplicates(samples: PageSamples, tested: ImageSet) -> FindingList:
    suspects = samples.suspects
    vectors = len(tested.source.shape) == 1
    how = (
        f"by at most {THRESHOLD:g} of its standard deviation"
        if vectors
        else f"by at most {THRESHOLD:g} of the range of values, in grey and at most {COMPARED_SIDE} pixels a side"
    )
    count, total = len(suspects.compared), len(tested.source)
    spread = ", evenly spread" if count + suspects.not_finite < total else ""
    part = "" if count == total else f" {count:,} of {total:,} samples were compared{spread}."
    if suspects.not_finite:
        part += f" Not compared because of values that are not finite: {suspects.not_finite:,}."
    found = len(suspects.duplicates.groups)
    shown = (
        f" {found:,} groups were found, the {len(suspects.groups)} closest are listed."
        if found > len(suspects.groups)
        else ""
    )
    kind = "vectors whose values differ" if vectors else "images whose pixels differ"
    listed = zip(suspects.groups, suspects.duplicates.groups, suspects.duplicates.distances, strict=False)
    findings = [
        Finding(
            samples.table.slots(group),
            f"{len(whole):,} samples, {'equal' if distance == 0 else f'difference {distance:.4f}'}",
        )
        for group, whole, distance in listed
    ]
    return FindingList(
        "Likely duplicates",
        f"Groups of {kind} {how} (root mean square), the closest first.{part}{shown}",
        findings,
        "None were found." if count > 1 else "Not searched: fewer than two samples can be compared.",
    )

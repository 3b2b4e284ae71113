"""The sections of the page of a run on label maps."""

from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.page.section import Section
from latentclust.report.page.sections.class_scores import class_scores_section
from latentclust.report.page.sections.label_maps import label_maps_section
from latentclust.runs.draw_figures import cluster_colours_of
from latentclust.runs.page_samples import titles
from latentclust.runs.shown_maps import LabelledMaps, shown_maps
from latentclust.specs.data import ImageSet


def map_sections(model: ClusteringModel, tested: ImageSet, maps: LabelledMaps, facts: RunFacts) -> list[Section]:
    """Return the sections of a run on label maps, the maps first.

    Args:
        model: Trained model.
        tested: Data set that was scored.
        maps: Label maps of some of its images, and of a scene if there is one.
        facts: Facts of the run.
    """
    shown = shown_maps(model, tested, maps, facts)
    found: list[Section | None] = [
        label_maps_section(facts, shown, cluster_colours_of(facts), titles(facts), model.display_text),
        class_scores_section(facts),
    ]
    return [section for section in found if section is not None]

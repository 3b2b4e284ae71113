"""The page report.html of a finished run: its facts, and what is read from its data."""

import traceback
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.page.page import REPORT_PAGE, write_page
from latentclust.report.page.run_page import run_page
from latentclust.report.page.section import Section
from latentclust.runs.map_page import map_sections
from latentclust.runs.shown_maps import LabelledMaps
from latentclust.specs.data import ImageSet
from latentclust.tensors import Posterior


def write_run_page(
    folder: Path,
    model: ClusteringModel,
    tested: ImageSet,
    posterior: Posterior | None,
    facts: RunFacts,
    maps: LabelledMaps | None = None,
) -> str | None:
    """Write report.html of a run. Return why it was not written, as a sentence, or None if it was.

    A run that is trained and scored does not fail because of its page.

    Args:
        folder: Run folder.
        model: Trained model.
        tested: Data set that was scored.
        posterior: Posterior of its images. None for label maps.
        facts: Facts of the run.
        maps: Its label maps. None for whole images.
    """
    try:
        of_maps = [] if maps is None else map_sections(model, tested, maps, facts)
        sections = [*of_maps[1:], *_sections(model, tested, posterior, facts)]
        write_page(folder / REPORT_PAGE, run_page(facts, sections, first=of_maps[:1]))
    except LatentclustError as error:
        return f"{REPORT_PAGE} was not written: {error}"
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(at.filename).name}, line {at.lineno}"
        return f"{REPORT_PAGE} was not written: {type(error).__name__}: {error} ({place})"
    return None


def _sections(model: ClusteringModel, tested: ImageSet, posterior: Posterior | None, facts: RunFacts) -> list[Section]:
    """Return the sections of images or of label maps."""
    return []

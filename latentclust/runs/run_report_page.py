"""The page report.html of a finished run: its facts, and what is read from its data."""

import traceback
from pathlib import Path

from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.page.page import REPORT_PAGE, Page, write_page
from latentclust.report.page.run_page import run_page
from latentclust.report.page.sections.contingency import contingency_section
from latentclust.report.page.sections.curves import training_curves
from latentclust.runs.code_maps import CodeMaps
from latentclust.runs.generated_images import generated_section
from latentclust.runs.image_page import image_page
from latentclust.runs.map_page import map_sections
from latentclust.runs.page_samples import titles
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
    codes: CodeMaps | None = None,
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
        codes: Maps of the codes of images. None for label maps.
    """
    try:
        write_page(folder / REPORT_PAGE, _page(model, tested, posterior, facts, maps, codes))
    except LatentclustError as error:
        return f"{REPORT_PAGE} was not written: {error}"
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(at.filename).name}, line {at.lineno}"
        return f"{REPORT_PAGE} was not written: {type(error).__name__}: {error} ({place})"
    return None


def _page(
    model: ClusteringModel,
    tested: ImageSet,
    posterior: Posterior | None,
    facts: RunFacts,
    maps: LabelledMaps | None,
    codes: CodeMaps | None,
) -> Page:
    """Return the page of a run of images or of label maps."""
    if posterior is not None and codes is not None:
        return image_page(model, tested, posterior, facts, codes)
    of_maps = [] if maps is None else map_sections(model, tested, maps, facts)
    table = contingency_section(facts, titles(facts))
    drawn = generated_section(model, facts)
    found = [*of_maps[1:], *([table] if table else []), *([drawn] if drawn else []), *training_curves(facts)]
    return run_page(facts, found, first=of_maps[:1])

"""New recipes that fit a scene: bands, nodata, windows and number of clusters are found in its pixels."""

import time
import tomllib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.cli.scene_survey import survey
from latentclust.data.roots import data_roots
from latentclust.data.subset import spread_indices
from latentclust.errors import LatentclustError
from latentclust.evaluate.component_count import FEWEST, MOST, count_components
from latentclust.phases import SILENT, Phases
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.recipe.show import inline
from latentclust.runs.fitted_model import trained_model
from latentclust.specs.data import ImageSet

DATA, SYSTEM = "raster", "mixture-pixel"
"""Data set and system of these recipes."""

MOST_WINDOWS, LEAST_WINDOWS = 128, 8
"""Limits of the number of windows, which together have at most about twice the pixels of the scenes."""

GAPS = (0.0, 0.5, 0.95)
"""Largest shares of nodata pixels in a window. The smallest is chosen with which enough windows are found."""

SAMPLE = 4_000
"""Number of pixels that the number of clusters is found with."""

TIMED = 16
"""Number of windows that are labelled to measure the time."""

TEXT = """\
# Label maps of a scene by a Gaussian mixture of its bands; no network is trained. Check it, run it and label the scene:
#   latentclust recipe check FILE --with-data
#   latentclust run FILE --out RUN
#   latentclust label RUN SCENE --out labels
# {seen}
{timed}schema = 1
extends = "{system}@1"
name = {name} # the folder of its runs
seed = 0

[data]
use = "{data}"
path = {path}
{bands}
{nodata}
{scaling}
window = {window} # pixels
windows = {windows} # drawn at random
max_nodata = {gap} # largest share of nodata pixels in a window
preprocess = [{{ use = "standardise" }}] # bands of the same spread for k-means, with which the mixture starts

[prior]
# A first guess, of {fewest} to {most}: the components of a Gaussian mixture of {sampled:,} pixels by the integrated
# completed likelihood. Look at the map, and change the number if clusters are too coarse or too fine.
clusters = {clusters}
coupling = 3.0 # neighbouring pixels tend to share a cluster; 0 for independent pixels

[inference]
smoothing = 12 # iterations of the coupling: a pixel depends on those within 12 pixels

[evaluate] # without labels the metrics are left out
batch_size = 32
baselines = ["pixel-kmeans", "local-statistics-kmeans"]
"""

TIME = """\
# On the CPU of this machine the mixture was fitted in {fit:.1f} s. Labelling {pixels:,} pixels takes about
# {label:.1f} s, estimated from {count} windows.
"""


def scene_recipe(registry: Registry, given: str, name: str, phases: Phases = SILENT) -> str:
    """Return the text of a recipe that fits a scene, or several scenes with the same bands.

    The same scene gives the same recipe, except for the measured time in a comment.

    Args:
        registry: Registry of the parts.
        given: What the key `data.path` of rasters takes.
        name: Name of the recipe.
        phases: Tells the progress.

    Raises:
        LatentclustError: If there is no such raster, or it is damaged, too small or without valid pixels.
    """
    phases.begin("looking at the scene")
    seen = survey(given)
    count = int(np.clip(2 * seen.pixels // seen.window**2, LEAST_WINDOWS, MOST_WINDOWS))
    data: dict[str, Any] = {"use": DATA, "path": given, "window": seen.window, "windows": count, **seen.options}
    phases.begin("drawing windows")
    opened, gap = _with_windows(registry, data)
    points = _pixels(opened)
    phases.begin("counting components")
    fields = {
        "seen": seen.text,
        "system": SYSTEM,
        "name": inline(name),
        "data": DATA,
        "path": inline(given),
        "bands": seen.bands_line,
        "nodata": seen.nodata_line,
        "scaling": seen.range_line,
        "window": seen.window,
        "windows": count,
        "gap": gap,
        "fewest": FEWEST,
        "most": MOST,
        "sampled": len(points),
        "clusters": count_components(points),
    }
    phases.begin("timing a fit and a read-out")
    timed = _measure(_resolved(registry, tomllib.loads(TEXT.format(**fields, timed=""))), seen.pixels)
    return TEXT.format(**fields, timed=timed)


def _resolved(registry: Registry, tables: dict[str, Any]) -> Resolved:
    return resolve(load_recipe(tables, registry), registry)


def _with_windows(registry: Registry, data: dict[str, Any]) -> tuple[ImageSet, float]:
    """Return the opened data set, and the largest share of nodata pixels in its windows.

    Raises:
        LatentclustError: If too few windows have valid pixels, or the rasters cannot be read.
    """
    for gap in GAPS:
        tables = {"schema": 1, "extends": f"{SYSTEM}@1", "name": "new", "data": {**data, "max_nodata": gap}}
        try:
            return _resolved(registry, tables).dataset.open(data_roots()), gap
        except LatentclustError as error:
            if gap == GAPS[-1] or any(issue.where != "data.windows" for issue in error.issues):
                raise
    raise AssertionError("the last share returns or raises")


def _pixels(opened: ImageSet) -> NDArray[np.float64]:
    """Return valid pixels `(n, c)` of all windows, drawn at random with a fixed seed."""
    rng = np.random.default_rng(0)
    each = -(-SAMPLE // len(opened.source))
    found = []
    for index in range(len(opened.source)):
        at = np.array([index])
        pixels = np.moveaxis(opened.source.read(at)[0], 0, -1)
        valid = pixels.reshape(-1, pixels.shape[-1]) if opened.valid is None else pixels[opened.valid.read(at)[0]]
        found.append(rng.permutation(valid)[:each])
    return np.concatenate(found).astype(np.float64)


def _measure(resolved: Resolved, pixels: int) -> str:
    """Fit the recipe and label some windows. Return a comment with the seconds."""
    experiment = assemble(resolved, data_roots())
    images = experiment.data.source.read(spread_indices(len(experiment.data.source), TIMED))
    begin = time.perf_counter()
    model = trained_model(experiment, torch.device("cpu"))
    fitted = time.perf_counter()
    model.predict(images)
    seconds = time.perf_counter() - fitted
    share = pixels / (len(images) * images.shape[-1] * images.shape[-2])
    return TIME.format(fit=fitted - begin, pixels=pixels, label=seconds * share, count=len(images))

"""Recipes on samples that Python passes: the data set `memory` replaces the one that the recipe names."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from latentclust.assemble.resolve import Resolved
from latentclust.data.array_reading import ArrayReading, measured_range
from latentclust.data.given_arrays import as_array, as_labels
from latentclust.data.in_memory import WHERE, GivenSamples, Memory
from latentclust.data.sources import image_set
from latentclust.errors import LatentclustError
from latentclust.recipe.load import LoadedRecipe
from latentclust.recipe.merge import Layered
from latentclust.recipe.partial_validation import read_tables
from latentclust.recipe.schema import DataTable
from latentclust.recipe.show import inline
from latentclust.specs.data import ImageSet, ImageSource
from latentclust.specs.validation import validate

MEMORY = "memory"
"""Name of the data set in a recipe."""

OVERRIDE = "--set "
"""Beginning of the origins of values that the caller sets."""

_IMAGES = 4
"""Number of axes of images."""

_OF_ARRAYS = ("shape", "layout_of_images", "range")
"""Options that describe the values and the axes of one array. Another array, or an opened data set, has its own."""


def given_samples(images: Any, labels: Any = None) -> GivenSamples | None:
    """Return samples and labels of Python, checked. None without images.

    Args:
        images: An array, tensor or table as `as_array` accepts, an `ImageSource` or an `ImageSet`.
        labels: Labels `(n,)`, or label maps `(n, h, w)`.

    Raises:
        LatentclustError: If they are no samples or labels, or there are labels without images.
    """
    if images is None:
        if labels is not None:
            raise LatentclustError.at("labels", "are passed without images", "Pass images too")
        return None
    if isinstance(images, ImageSource):
        images = image_set(images, None, (), WHERE)
    samples = images if isinstance(images, ImageSet) else as_array(images, WHERE)
    count = len(samples.source) if isinstance(samples, ImageSet) else len(samples)
    return GivenSamples(samples, None if labels is None else as_labels(labels, count))


def with_samples(loaded: LoadedRecipe, given: GivenSamples) -> LoadedRecipe:
    """Return a recipe whose data set is `memory`, with the options by which the samples are read.

    Keys of the data table itself stay, and so do options that both data sets have, except those that describe the
    samples of the former one. Each other option is named in `Layered.dropped`.

    Raises:
        LatentclustError: If an array needs an option that is missing, or contains NaN.
    """
    tree, origins = dict(loaded.layered.tree), loaded.layered.origins
    former = tree.get("data")
    former = former if isinstance(former, Mapping) else {}
    fits = former.get("use", MEMORY) == MEMORY and not isinstance(given.images, ImageSet)
    table = {"use": MEMORY} | {key: value for key, value in former.items() if _stays(key, fits, origins)}
    lost = {f"data.{key}": value for key, value in former.items() if key not in table}
    if not isinstance(given.images, ImageSet):
        table |= _found(table, given.images)
    evaluated = tree.get("evaluate")
    if isinstance(evaluated, Mapping) and "split" in evaluated:
        lost |= {"evaluate.split": evaluated["split"]}
        tree["evaluate"] = {key: value for key, value in evaluated.items() if key != "split"}
    tree["data"] = {}  # keeps its place among the tables
    kept = {key: origin for key, origin in origins.items() if key not in lost and key != "data.use"}
    layered = Layered(tree).over({"data": table}, WHERE)
    layered = Layered(layered.tree, layered.origins | kept, loaded.layered.dropped | dict(_said(lost)))
    return LoadedRecipe(read_tables(layered.tree), layered)


def _stays(key: str, fits: bool, origins: Mapping[str, str]) -> bool:
    """Return whether a key of the former data table stays.

    An override always stays, so that a wrong one is refused and not ignored.

    Args:
        key: The key.
        fits: Whether options that describe arrays are those of the given samples, too.
        origins: What set each value of the recipe.
    """
    if key == "use":
        return False
    known = key in DataTable.model_fields or (key in Memory.model_fields and (fits or key not in _OF_ARRAYS))
    return known or origins.get(f"data.{key}", "").startswith(OVERRIDE)


def _found(table: Mapping[str, Any], images: NDArray[Any]) -> dict[str, Any]:
    """Return the options of an array that a recipe does not set: its range, and the axis of its channels."""
    options = {key: value for key, value in table.items() if key in Memory.model_fields}
    reading = ArrayReading.of(validate(Memory, options, "data"))
    shaped = reading.shaped(images, WHERE)
    found: dict[str, Any] = {}
    if images.ndim == shaped.ndim == _IMAGES:
        found["layout_of_images"] = reading.layout_of(images.shape)
    measured = measured_range(shaped, WHERE) if reading.range is None else None
    return found if measured is None else found | {"range": list(measured)}


def _said(lost: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in lost.items():
        name = key.rpartition(".")[2]
        yield key, f"{key}: `{name} = {inline(value)}` is ignored, because `images` replaces the data set"


def hold(resolved: Resolved, given: GivenSamples) -> Resolved:
    """Return a resolved recipe on the data set `memory` with its samples.

    Raises:
        LatentclustError: If the recipe names another data set, or the labels are of another form than its clusters.
    """
    if not isinstance(resolved.dataset, Memory):
        what = f"is {resolved.recipe.data.use!r}, which reads its own samples"
        raise LatentclustError.at("data.use", what, "Leave out images, or run the recipe anew with them")
    if given.labels is not None and (given.labels.ndim > 1) != resolved.prior.per_pixel:
        wanted = "label maps (n, h, w)" if resolved.prior.per_pixel else "one label per sample (n,)"
        what = f"has the shape {given.labels.shape}, but {resolved.recipe.name} requires {wanted}"
        raise LatentclustError.at("labels", what, "Pass labels of this form, or none")
    return replace(resolved, dataset=resolved.dataset.holding(given))

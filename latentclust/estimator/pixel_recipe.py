"""Recipes of label maps on rasters, and on windows that were read from a scene in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.in_memory import GivenSamples
from latentclust.data.raster_windows import WindowSource
from latentclust.data.rasters import BandReading
from latentclust.data.sources import ArraySource, image_set
from latentclust.data.tiled import ArrayMasks
from latentclust.errors import InvalidArgumentError, Issue, LatentclustError
from latentclust.plugins.registry import installed
from latentclust.recipe.load import LoadedRecipe
from latentclust.recipe.partial_validation import read_tables
from latentclust.recipe.schema import DataTable
from latentclust.runs.given_samples import OVERRIDE, hold, with_samples
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate

RASTER = "raster"
"""Name of the data set of rasters."""


def on_rasters(loaded: LoadedRecipe, paths: Sequence[str]) -> Resolved:
    """Return a recipe, resolved on rasters. Options of another data set are left out, unless overrides set them."""
    former = _data_of(loaded)
    table = former if former.get("use") == RASTER else _own(former, loaded)
    return _checked(resolve(_with_data(loaded, {**table, "use": RASTER, "path": list(paths)}), installed()))


def on_images(loaded: LoadedRecipe, images: ImageSet) -> Resolved:
    """Return a recipe, resolved on images in memory. Overrides of the data set but `ImageOptions` are refused."""
    table = _own(_data_of(loaded), loaded)
    table = {key: value for key, value in table.items() if key not in ImageOptions.model_fields}
    given = GivenSamples(images)
    return _checked(hold(resolve(with_samples(_with_data(loaded, table), given), installed()), given))


def on_windows(loaded: LoadedRecipe, images: ImageSet) -> Resolved:
    """Return a recipe, resolved on windows of a scene, which the options of rasters in the recipe have made."""
    table = {key: value for key, value in _data_of(loaded).items() if key in DataTable.model_fields}
    given = GivenSamples(images)
    return _checked(hold(resolve(with_samples(_with_data(loaded, table), given), installed()), given))


class ImageOptions(Spec):
    """The options of the data set of rasters that hold for images in memory."""

    range: tuple[float, float] | None = None
    nodata: float | None = None


def image_options(loaded: LoadedRecipe) -> ImageOptions:
    """Return the options of a recipe that hold for images. Raise LatentclustError if one is invalid."""
    found = {key: value for key, value in _data_of(loaded).items() if key in ImageOptions.model_fields}
    options = validate(ImageOptions, found, "data")
    if options.range and options.range[0] >= options.range[1]:
        raise LatentclustError.at("data.range", f"{list(options.range)} is empty", "Write the lower value first")
    return options


def windows_of(opened: ImageSet) -> tuple[ImageSet, BandReading]:
    """Return the windows of a raster, read into memory, and how their bands are read."""
    assert isinstance(opened.source, WindowSource), "the data set of rasters draws windows"
    images, valid = opened.source.windows.read(np.arange(len(opened.source)))
    masks = None if valid.all() else ArrayMasks(valid)
    read = replace(image_set(ArraySource(images, "X"), None, (), "X"), valid=masks, notes=opened.notes)
    return read, opened.source.windows.reading


def _checked(resolved: Resolved) -> Resolved:
    """Return a resolved recipe. Raise InvalidArgumentError if it clusters whole images."""
    if not resolved.prior.per_pixel:
        what = f"{resolved.recipe.name!r} assigns one cluster to each image"
        fix = "Use a recipe of label maps, such as rmnp, or DeepClusterer"
        raise InvalidArgumentError(Issue("recipe", what, fix))
    return resolved


def _data_of(loaded: LoadedRecipe) -> Mapping[str, Any]:
    table = loaded.layered.tree.get("data")
    return table if isinstance(table, Mapping) else {}


def _own(table: Mapping[str, Any], loaded: LoadedRecipe) -> dict[str, Any]:
    """Return the keys of a data table that every data set has, and those that overrides set."""
    set_by = loaded.layered.origins
    return {
        key: value
        for key, value in table.items()
        if key in DataTable.model_fields or set_by.get(f"data.{key}", "").startswith(OVERRIDE)
    }


def _with_data(loaded: LoadedRecipe, table: Mapping[str, Any]) -> LoadedRecipe:
    """Return a recipe with another data table."""
    tree = {**loaded.layered.tree, "data": dict(table)}
    return LoadedRecipe(read_tables(tree), replace(loaded.layered, tree=tree))

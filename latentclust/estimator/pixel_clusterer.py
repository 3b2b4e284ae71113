"""Deep clustering of the pixels of scenes and images as an estimator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted

from latentclust.assemble.resolve import Resolved
from latentclust.data.sources import ArraySource, image_set
from latentclust.data.tiled import ArrayMasks
from latentclust.errors import InvalidArgumentError, Issue
from latentclust.estimator.pixel_recipe import image_options, on_images, on_rasters, on_windows, windows_of
from latentclust.estimator.random_states import as_seed
from latentclust.estimator.recipe_choice import Choice, Source
from latentclust.estimator.recipe_clusterer import RecipeClusterer, value_errors
from latentclust.estimator.scene_arrays import SceneArrays, array_reading
from latentclust.estimator.scene_inputs import as_images, as_paths, is_dataarray, scene_file
from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.windows.array_labels import array_label_type, label_windows
from latentclust.labelling.windows.dataarray import predict_dataarray
from latentclust.model.model import ClusteringModel
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import installed, use_plugins
from latentclust.recipe.load import LoadedRecipe, load_recipe
from latentclust.recipe.overrides import Overrides
from latentclust.specs.data import VOID, ImageSet

RECIPE = "rmnp"
"""Default recipe: a Gaussian mixture of logarithms of bands, whose neighbouring pixels tend to share a cluster."""


@final
class PixelClusterer(ClusterMixin, RecipeClusterer):  # type: ignore[misc] # scikit-learn has no types
    """Cluster the pixels of scenes or images by training a recipe of label maps.

    `fit` accepts what the data set `raster` reads: a path, a pattern, or a list of them; an xarray DataArray; one scene
    `(c, h, w)`, of which windows are drawn as of a raster; or images `(n, c, h, w)`, which are used whole. With
    `channels="last"`, arrays are `(h, w, c)` or `(n, h, w, c)`. Values are those of rasters: percentiles 2 and 98 of
    each band become 0 and 255, bytes are unchanged unless a band has fewer than 32 grey levels, and `data.range` in the
    overrides sets both ends. Pixels that are NaN, infinite or a nodata value have the cluster -1. Arrays
    declare no nodata value: `data.nodata` in the overrides, as in `{"data.nodata": 255}`, sets one.

    A model file of `save` labels rasters by `latentclust label`.

    Args:
        recipe: Name of a shipped recipe, a path or the tables of a recipe of label maps. Its data set is replaced.
        n_clusters: Number of clusters. None: that of the recipe.
        channels: Position of the channels of arrays: `"first"` or `"last"`.
        overrides: Changed values of the recipe, `{"data.window": 32}` or `["data.window=32"]`.
        device: Device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        random_state: Seed, or a `numpy.random.RandomState` that draws one. None: the seed of the recipe.
        verbose: Whether progress is shown on standard error.
        plugins: Plugins that need not be installed: .py files, modules or classes of parts.

    Attributes:
        labels_: Clusters of the training data, as `predict` returns them. Not there after a fit to paths.
        model_: The trained model, a `latentclust.ClusteringModel`.
        n_features_in_: Number of bands.

    Example:
        ```python
        import numpy as np

        from latentclust import PixelClusterer

        scene = np.random.default_rng(0).normal(size=(4, 96, 96)).astype(np.float32)  # bands, rows, columns
        scene[:, :, 48:] += 5
        clusterer = PixelClusterer(n_clusters=2, random_state=0)
        labels = clusterer.fit_predict(scene)  # (96, 96), from 0; -1 is nodata
        clusterer.save("pixels.safetensors")  # for `latentclust label`, or PixelClusterer.load
        ```
    """

    labels_: Any
    n_features_in_: int

    def __init__(
        self,
        recipe: Source = RECIPE,
        n_clusters: int | None = None,
        *,
        channels: str = "first",
        overrides: Overrides | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
        plugins: Sequence[PluginSource] = (),
    ) -> None:
        self.recipe = recipe
        self.n_clusters = n_clusters
        self.channels = channels
        self.overrides = overrides
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.plugins = plugins

    def fit(self, X: Any, y: Any = None) -> "PixelClusterer":
        """Train the recipe on scenes or images.

        Args:
            X: Paths of rasters, a DataArray, a scene or images.
            y: Ignored, as scikit-learn has it for clusterers.

        Raises:
            InvalidArgumentError: A LatentclustError and a ValueError, if the data or the parameters are not suitable.
            RunFailedError: If training diverges or memory runs out.
        """
        with value_errors(), use_plugins(self.plugins):
            choice = Choice(self.recipe, self._checked_clusters(), as_seed(self.random_state), self.overrides)
            paths = as_paths(X)
            self._take(self._fit_arrays(choice, X) if paths is None else self._fit_paths(choice, paths))
            model = self.model_
            self.n_features_in_ = len(band_reading(model, "model").bands)
            if "labels_" in vars(self):
                del self.labels_
            if paths is None:
                self.labels_ = self.predict(X)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Train the recipe on a scene or images in memory, and return their clusters, as `predict` does.

        Raises:
            InvalidArgumentError: As `fit`, and for paths.
        """
        if as_paths(X) is not None:
            fix = "Use fit, save and latentclust.label, which writes label rasters of any size"
            raise InvalidArgumentError(Issue("X", "is a path, and fit_predict returns arrays", fix))
        return self.fit(X).labels_

    def predict(self, X: Any) -> Any:
        """Return the most probable cluster of each pixel, counted from 0; -1 is nodata.

        A scene is labelled window by window as by `latentclust label`; of images, each is read as a whole.

        Args:
            X: A scene `(c, h, w)`, images `(n, c, h, w)` of any size, or a DataArray, with the values and the type of
                the training data.

        Returns:
            `(h, w)` or `(n, h, w)`; for a DataArray what `latentclust.predict_dataarray` returns.

        Raises:
            InvalidArgumentError: If the bands or the type differ from those of the training data.
        """
        check_is_fitted(self)
        with value_errors():
            if is_dataarray(X):
                return predict_dataarray(self.model_, X, seed=self._seed)
            scenes, one = self._read(X)
            if one:
                return label_windows(self.model_, scenes.windows(0), scenes.shape[1:], seed=self._seed)
            labels = np.empty((len(scenes), *scenes.shape[1:]), array_label_type(self.model_.clusters))
            end = 0
            masks = _masks(scenes)
            for posterior in self.model_.posteriors(scenes, self._batch, self._seed, masks=masks):
                start, end = end, end + len(posterior.probabilities)
                labels[start:end] = posterior.labels.numpy()
                labels[start:end][~masks.read(np.arange(start, end))] = VOID
            return labels

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return the probability of each cluster, `(k, h, w)` or `(n, k, h, w)`; NaN for nodata.

        Images are read as a whole, and four bytes for each pixel and cluster are in memory. They are not calibrated: no
        label was seen.

        Args:
            X: A scene `(c, h, w)` or images `(n, c, h, w)`, as for `predict`.
        """
        check_is_fitted(self)
        with value_errors():
            if is_dataarray(X):
                raise InvalidArgumentError(Issue("X", "is a DataArray", "Pass its values: X.values"))
            scenes, one = self._read(X)
            masks = _masks(scenes)
            parts = self.model_.posteriors(scenes, self._batch, self._seed, masks=masks)
            found = np.concatenate([posterior.probabilities.numpy() for posterior in parts])
            hidden = ~masks.read(np.arange(len(scenes)))
            found = np.where(hidden[:, np.newaxis], np.float32(np.nan), found)
            return found[0] if one else found

    def _fit_paths(self, choice: Choice, paths: list[str]) -> ClusteringModel:
        """Return a model of windows of rasters."""
        return self._fit(choice, on_rasters(_loaded(choice), paths))

    def _fit_arrays(self, choice: Choice, values: Any) -> ClusteringModel:
        """Return a model of whole images, or of windows of one scene."""
        if is_dataarray(values):
            return self._fit_scene(choice, values)
        images, one = as_images(values, self.channels)
        return self._fit_scene(choice, values) if one else self._fit_images(choice, images)

    def _fit_scene(self, choice: Choice, scene: Any) -> ClusteringModel:
        """Return a model of windows of a scene, drawn as those of a raster."""
        loaded = _loaded(choice)
        with scene_file(scene, self.channels) as path:
            windows, reading = windows_of(on_rasters(loaded, [str(path)]).dataset.open(()))
        return replace(self._fit(choice, on_windows(loaded, windows)), bands=reading)

    def _fit_images(self, choice: Choice, images: NDArray[Any]) -> ClusteringModel:
        """Return a model of whole images."""
        loaded = _loaded(choice)
        options = image_options(loaded)
        reading = array_reading(images, options.range, options.nodata)
        data = _as_set(SceneArrays(images, reading))
        return replace(self._fit(choice, on_images(loaded, data)), bands=reading)

    def _fit(self, choice: Choice, resolved: Resolved) -> ClusteringModel:
        """Return a model of a resolved recipe."""
        choice.check_kept(resolved)
        return self._train_resolved(resolved).model

    def _read(self, values: Any) -> tuple[SceneArrays, bool]:
        """Return images as the model reads them, and whether they are one scene."""
        if as_paths(values) is not None:
            fix = "Use save and latentclust.label, which writes label rasters of any size"
            raise InvalidArgumentError(Issue("X", "is a path, and predict reads arrays", fix))
        images, one = as_images(values, self.channels)
        return SceneArrays(images, band_reading(self.model_, "model")), one

    @property
    def _seed(self) -> int:
        return self.model_.resolved.recipe.seed

    @property
    def _batch(self) -> int:
        return self.model_.resolved.recipe.evaluate.batch_size

    @classmethod
    def _check_kind(cls, model: ClusteringModel, where: str) -> None:
        """Raise LatentclustError if a model clusters whole images."""
        band_reading(model, where)


def _loaded(choice: Choice) -> LoadedRecipe:
    """Return the recipe with the parameters and the overrides, not resolved yet."""
    return load_recipe(choice.recipe, installed(), choice.all_overrides({}))


def _as_set(scenes: SceneArrays) -> ImageSet:
    """Return images as a data set in memory, with the masks of their valid pixels."""
    data = image_set(ArraySource(scenes.read(np.arange(len(scenes))), "X"), None, (), "X")
    masks = _masks(scenes)
    return data if masks.read(np.arange(len(scenes))).all() else replace(data, valid=masks)


def _masks(scenes: SceneArrays) -> ArrayMasks:
    """Return the masks of the valid pixels of all images."""
    return ArrayMasks(scenes.valid(np.arange(len(scenes))))

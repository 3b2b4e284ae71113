"""Deep clustering of vectors and images as a scikit-learn estimator."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from latentclust.data.array_reading import Layout
from latentclust.data.sources import ArraySource
from latentclust.errors import InvalidArgumentError, Issue, LatentclustError
from latentclust.estimator.recipe_choice import AUTO, LAYOUT, Source
from latentclust.estimator.recipe_clusterer import RecipeClusterer, value_errors
from latentclust.estimator.samples import check_enough, check_same, checked_samples, sample_shape
from latentclust.evaluate.label_free import MAX_SILHOUETTE, draw, silhouette
from latentclust.infer.codes import Codes
from latentclust.model.model import ClusteringModel
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import use_plugins
from latentclust.recipe.overrides import Overrides
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

_VECTORS, _IMAGES = 2, 4
"""Numbers of axes of vectors, and of images with an axis of channels."""

LAYOUTS: dict[str, Layout] = {"first": "chw", "last": "hwc"}
"""Layout of images in a recipe, by the position of the channels."""

WORST = -1.0
"""Score of samples that all have the same cluster, or each their own: the lowest silhouette."""


@final
class DeepClusterer(TransformerMixin, ClusterMixin, RecipeClusterer):  # type: ignore[misc] # no types
    """Cluster vectors or images by training a recipe.

    Samples are vectors `(n, d)` or images `(n, h, w)`, `(n, c, h, w)` or, with `channels="last"`, `(n, h, w, c)`: NumPy
    arrays, also memory-mapped, torch tensors or pandas DataFrames of numbers. Bytes have the values 0 to 255. Values
    within 0 and 1 are used as they are; of all others, the smallest and the largest value of the training data become 0
    and 1. These are of the whole array: scale features of different units first, for example by `StandardScaler`. New
    samples of any type are scaled alike: a model of values within 0 and 1 expects such values, also of bytes. If their
    values are beyond those of the training data, vectors leave 0 to 1, and images are clipped. Images are stored with 8
    bits a value.

    Two fits with the same parameters and data have the same result, also without a `random_state`, because the recipe
    has a seed. On the CPU it is bit for bit that of `latentclust.run(recipe, images=X)` and of `latentclust run`.

    There is no `partial_fit`, and no warm start: the schedules of a recipe end with its last round, and adversarial
    losses depend on more than the networks' weights.

    Args:
        recipe: `"auto"` chooses a recipe by the shape of the samples. A system, such as `"dccs"` or `"clustergan"`, is
            used in its newest version, with networks that fit the shape. Otherwise the name of a shipped recipe, a path
            or the tables of a recipe, whose data set is replaced.
        n_clusters: Number of clusters. None: that of the recipe, which is 10 for `"auto"` and for systems.
        channels: Position of the channels of images with four axes: `"first"` or `"last"`. It may be changed after a
            fit, because the model reads both alike.
        overrides: Changed values of the recipe, `{"train.rounds": 100}` or `["train.rounds=100"]`.
        device: Device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        random_state: Seed, or a `numpy.random.RandomState` that draws one. None: the seed of the recipe.
        verbose: Whether progress is shown on standard error, as the command `latentclust run` does.
        plugins: Plugins that need not be installed: .py files, modules or classes of parts, such as a loss of your own.
            An unpickled estimator that is fitted keeps those that are classes; set_params gives it the others.

    Attributes:
        labels_: Cluster of each training sample, `(n,)`, counted from 0.
        embedding_: Code of each training sample, as `transform` returns it.
        model_: The trained model, a `latentclust.ClusteringModel`.
        n_features_in_: Number of values of a sample.
        feature_names_in_: Names of the columns, if `X` was a DataFrame whose column names are all texts.
        n_iter_: Number of rounds of the training.

    Example:
        ```python
        from sklearn.datasets import load_digits

        from latentclust import DeepClusterer

        images = load_digits().images
        clusterer = DeepClusterer(n_clusters=10, random_state=0)
        labels = clusterer.fit_predict(images)
        clusterer.save("digits.safetensors")  # for `latentclust predict`, or DeepClusterer.load
        ```
    """

    labels_: NDArray[np.int64]
    embedding_: NDArray[np.float32]
    n_features_in_: int
    n_iter_: int

    _shape: Shape | None = None
    _width: int | None = None

    def __init__(
        self,
        recipe: Source = AUTO,
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

    def fit(self, X: Any, y: Any = None) -> "DeepClusterer":
        """Train the recipe on samples, and cluster them.

        Args:
            X: Vectors or images.
            y: Ignored, as scikit-learn has it for clusterers.

        Raises:
            InvalidArgumentError: A LatentclustError and a ValueError, if the samples or the parameters are not
                suitable.
            RunFailedError: If training diverges or memory runs out.
            KeyboardInterrupt: If Ctrl-C stops the training. Nothing is left behind.
        """
        with value_errors(), use_plugins(self.plugins):
            samples = checked_samples(self, X, self.channels, reset=True)
            check_enough(len(samples), self._checked_clusters() or 1)
            shape = sample_shape(samples, self.channels)
            needed = {LAYOUT: LAYOUTS[self.channels]} if samples.ndim == _IMAGES else {}
            trained = self._train(samples, shape, needed)
            self._take(trained.model)
            self._shape = shape
            codes = self._codes(trained.data.inputs)
        self.labels_ = codes.posterior.labels.numpy()
        self.embedding_ = _embedding(codes)
        self.n_iter_ = trained.rounds
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return the most probable cluster of each sample, `(n,)`, counted from 0."""
        labels: NDArray[np.int64] = self._codes(self._read(X)).posterior.labels.numpy()
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return the probability of each cluster, `(n, n_clusters)`. They are not calibrated: no label was seen."""
        probabilities: NDArray[np.float32] = self._codes(self._read(X)).posterior.probabilities.numpy()
        return probabilities

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the code of each sample, `(n, n_clusters + style_dim)`: its cluster probabilities, then its style.

        Systems without a style, such as SCAN and TEMI, have features `(n, f)` in its place: what their heads read.
        """
        return _embedding(self._codes(self._read(X)))

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.float32]:
        """Train the recipe on samples, and return their codes."""
        return self.fit(X).embedding_

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean silhouette coefficient of the predicted clusters, in -1 to 1, by the distances of samples.

        No label is read, so that `GridSearchCV` can compare parameters, also `n_clusters`. The distances are Euclidean
        between the samples as they are stored, not between codes: codes of different models cannot be compared, and a
        model can move its own clusters apart. Of more than 2,000 samples, 2,000 are scored.

        It is no accuracy. It prefers compact clusters of equal size in the space of the samples, as k-means does: on
        the digits of scikit-learn, k-means has 0.183 and the ten classes themselves have 0.163. It is -1 if all samples
        have the same cluster.

        Args:
            X: Vectors or images.
            y: Ignored.
        """
        source = self._read(X)
        shown = draw(len(source), MAX_SILHOUETTE)
        labels = self._codes(source).posterior.labels.numpy()[shown]
        points = source.read(shown).reshape(len(shown), -1).astype(np.float32)
        found = silhouette(points, labels)
        return WORST if found is None else found

    def get_feature_names_out(self, input_features: Sequence[str] | NDArray[Any] | None = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` returns.

        They are `cluster0` and so on, then `style0` and so on, or `feature0` and so on without a style.

        Args:
            input_features: Names of the features of `X`, which decide nothing. They must be those of the training data.
        """
        check_is_fitted(self)
        self._check_names(input_features)
        model = self.model_
        if self._width is None:  # of a loaded model that has not read any sample yet
            blank = np.zeros((1, *model.raw_shape), np.float32)
            self._codes(ArraySource(blank if blank.ndim == _VECTORS else blank.astype(np.uint8), "a blank sample"))
        width = self._width or 0
        if _has_features(model):
            return np.asarray([f"feature{index}" for index in range(width)], dtype=object)
        names = [f"cluster{index}" for index in range(model.clusters)]
        names += [f"style{index}" for index in range(width - model.clusters)]
        return np.asarray(names, dtype=object)

    def _check_names(self, input_features: Sequence[str] | NDArray[Any] | None) -> None:
        """Raise InvalidArgumentError, in the words of scikit-learn, if features have other names than in the fit."""
        known = vars(self).get("feature_names_in_")
        wanted = vars(self).get("n_features_in_") if known is None else len(known)
        if input_features is None or wanted is None:
            return
        if len(input_features) != wanted:
            what = (
                f"input_features should have length equal to number of features ({wanted}), got {len(input_features)}"
            )
        elif known is not None and list(known) != list(input_features):
            what = f"input_features is not equal to feature_names_in_: {list(input_features)}"
        else:
            return
        raise InvalidArgumentError(Issue("get_feature_names_out", what, "Pass the names of the training data, or none"))

    @classmethod
    def _check_kind(cls, model: ClusteringModel, where: str) -> None:
        """Raise LatentclustError for a model of label maps."""
        if model.per_pixel:
            what = "computes label maps, which have no cluster of a whole image"
            raise LatentclustError.at(where, what, "Use latentclust.load, or the model of a recipe of whole images")

    def _read(self, samples: Any) -> ImageSource:
        """Return new samples as the model reads them."""
        check_is_fitted(self)
        with value_errors():
            array = checked_samples(self, samples, self.channels, reset=False)
            if self._shape is not None:
                check_same(sample_shape(array, self.channels), self._shape, type(self).__name__)
            layout = LAYOUTS[self.channels] if array.ndim == _IMAGES else None
            return self.model_.read(array, beyond="keep", layout=layout)

    def _codes(self, source: ImageSource) -> Codes:
        with value_errors():
            recipe = self.model_.resolved.recipe
            features = _has_features(self.model_)
            codes = self.model_.embed(source, recipe.evaluate.batch_size, recipe.seed, features=features)
            self._width = _embedding(codes).shape[1]
            return codes

    def _adopt(self, model: ClusteringModel) -> None:
        """Take a model of a file, with the position of the channels in its training data."""
        super()._adopt(model)
        if model.resolved.dataset.model_dump().get("layout_of_images") == LAYOUTS["last"]:
            self.channels = "last"

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn's checks should know: images are accepted, and codes are float32."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """Return the tags for scikit-learn before 1.6."""
        return {"preserves_dtype": []}


def _has_features(model: ClusteringModel) -> bool:
    """Return whether features are the embedding of a model, because its system has no style."""
    return model.resolved.prior.style_dim == 0


def _embedding(codes: Codes) -> NDArray[np.float32]:
    embedding: NDArray[np.float32] = (codes.code if codes.features is None else codes.features).numpy()
    return embedding

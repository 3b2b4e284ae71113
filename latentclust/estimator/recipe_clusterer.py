"""What estimators share: a recipe is chosen, trained and kept as a model that can be saved and pickled."""

import copy
from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from latentclust.assemble.resolve import Resolved
from latentclust.cli.progress import make_listener
from latentclust.errors import InvalidArgumentError, Issue, LatentclustError
from latentclust.estimator.python_warnings import PythonWarnings
from latentclust.estimator.random_states import as_seed
from latentclust.estimator.recipe_choice import Choice, Source
from latentclust.estimator.samples import check_enough
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load, load_bytes, model_bytes, save_model
from latentclust.model.plugin_records import MissingPluginError
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import use_plugins
from latentclust.recipe.overrides import Overrides
from latentclust.runs.given_samples import given_samples
from latentclust.runs.train_model import TrainedModel, train_model
from latentclust.tensors import Shape
from latentclust.train.devices import first_device

LEAST_CLUSTERS = 2

Clusterer = TypeVar("Clusterer", bound="RecipeClusterer")


class RecipeClusterer(BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn has no types
    """An estimator that trains a recipe. A subclass has the parameters below, `fit` and `predict`.

    Attributes:
        recipe: `auto`, a system, the name of a shipped recipe, a path or the tables of a recipe.
        n_clusters: Number of clusters. None: the recipe's.
        overrides: Changed values of the recipe.
        device: Device of training and prediction.
        random_state: Seed. None: the recipe's.
        verbose: Whether progress is shown.
        plugins: Plugins whose parts the recipe names.
    """

    recipe: Source
    n_clusters: int | None
    overrides: Overrides | None
    device: str
    random_state: Any
    verbose: bool
    plugins: Sequence[PluginSource] = ()

    _model: ClusteringModel
    _stored_model: bytes

    @property
    def model_(self) -> ClusteringModel:
        """The trained model, on the device. After unpickling it is read when it is first needed."""
        if "_model" not in vars(self):
            if "_stored_model" not in vars(self):
                raise AttributeError(f"this {type(self).__name__} is not fitted, and has no model_")
            place = first_device(self.device, 1)
            with use_plugins(self.plugins), _told_how_to_give_plugins():
                self._model = load_bytes(self._stored_model, place, f"the pickled {type(self).__name__}")
            del self._stored_model
        return self._model

    def save(self, path: str | Path) -> None:
        """Write the model file, which `latentclust predict` and `latentclust.load` read.

        It contains the recipe, the weights and the value range, but neither labels nor codes of the training data.

        Raises:
            NotFittedError: If there is no model yet.
            LatentclustError: If the file cannot be written.
        """
        check_is_fitted(self)
        save_model(Path(path).expanduser(), self.model_)

    @classmethod
    def load(
        cls: type[Clusterer], path: str | Path, device: str = "auto", plugins: Sequence[PluginSource] = ()
    ) -> Clusterer:
        """Return a fitted estimator with the model of a file or a run folder.

        Its recipe is that of the model. It has no `labels_` and `embedding_`, because a model file contains none.

        Args:
            path: A model file, or a run folder.
            device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
            plugins: Plugins that the model was trained with: .py files, modules or classes of parts.

        Raises:
            LatentclustError: If the file is missing or damaged, its model is of another kind, or a plugin is missing.
        """
        model = load(path, first_device(device, 1), plugins=plugins)
        cls._check_kind(model, str(path))
        made = cls()
        made.device, made.plugins = device, plugins
        made._adopt(model)
        return made

    @classmethod
    def _check_kind(cls, model: ClusteringModel, where: str) -> None:
        """Raise LatentclustError if the estimator cannot use a model of a file. By default it can use all."""

    def _adopt(self, model: ClusteringModel) -> None:
        """Take a model of a file, and its recipe and number of clusters as parameters."""
        self.recipe, self.n_clusters = model.resolved.loaded.layered.tree, model.clusters
        self._take(model)

    def _take(self, model: ClusteringModel) -> None:
        """Use a model from now on."""
        if "_stored_model" in vars(self):
            del self._stored_model
        self._model = model

    def _train(self, samples: Any, shape: Shape, needed: Mapping[str, Any]) -> TrainedModel:
        """Train the recipe on samples.

        Args:
            samples: Array, or another form that `latentclust.run` accepts as `images`.
            shape: Shape of one sample, `(d,)` or `(c, h, w)`.
            needed: Values of the recipe, by dotted key, by which the samples are read.
        """
        choice = Choice(self.recipe, self._checked_clusters(), as_seed(self.random_state), self.overrides)
        given = given_samples(samples)
        assert given is not None, "there are samples"
        resolved = choice.resolve(given, shape, needed)
        check_enough(len(samples), resolved.prior.clusters)
        return self._train_resolved(resolved)

    def _train_resolved(self, resolved: Resolved) -> TrainedModel:
        """Train a resolved recipe. Without progress, what is remarkable about it and the data is a UserWarning."""
        if not self.verbose:
            return train_model(resolved, self.device, PythonWarnings())
        with make_listener() as listener:
            return train_model(resolved, self.device, listener)

    def _checked_clusters(self) -> int | None:
        found = self.n_clusters
        if found is None:
            return None
        whole = isinstance(found, (int, np.integer)) and not isinstance(found, bool)
        if not whole or found < LEAST_CLUSTERS:
            what = f"invalid value {found!r}"
            raise InvalidArgumentError(Issue("n_clusters", what, f"Use an integer from {LEAST_CLUSTERS} on, or None"))
        return int(found)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a model."""
        return "_model" in vars(self) or "_stored_model" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters and attributes, with the model as the bytes of its file: tensors and texts, no code."""
        state: dict[str, Any] = dict(super().__getstate__())
        model = state.pop("_model", None)
        return state if model is None else state | {"_stored_model": model_bytes(model)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set parameters and attributes. A fitted estimator keeps only those plugins that are classes.

        A pickle therefore names no file and no module that `predict` would run. `set_params(plugins=[...])` gives them.
        """
        super().__setstate__(state)
        given = vars(self).get("plugins", ())
        sources = given if isinstance(given, list | tuple) else [given]
        classes = [one for one in sources if isinstance(one, type)]
        if "_stored_model" in vars(self) and len(classes) < len(sources):
            self.plugins = classes

    def __copy__(self: Clusterer) -> Clusterer:
        """Return a copy with all plugins, as nothing comes from outside."""
        made = type(self).__new__(type(self))
        made.__dict__.update(vars(self))
        return made

    def __deepcopy__(self: Clusterer, memo: dict[int, Any]) -> Clusterer:
        """Return a deep copy with all plugins, as nothing comes from outside."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__getstate__(), memo))
        return made


@contextmanager
def _told_how_to_give_plugins() -> Iterator[None]:
    """Raise the error about a missing plugin with what helps an estimator that was unpickled."""
    try:
        yield
    except MissingPluginError as error:
        fix = "Pass the plugins by set_params(plugins=[...]); a pickle keeps those that are classes"
        raise LatentclustError(*(Issue(one.where, one.what, fix) for one in error.issues)) from error


@contextmanager
def value_errors() -> Iterator[None]:
    """Raise a mistake of the user as an error that is also a ValueError."""
    try:
        yield
    except LatentclustError as error:
        if type(error) is not LatentclustError:
            raise
        raise InvalidArgumentError(*error.issues) from error

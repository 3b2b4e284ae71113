"""albumentations pipelines that a recipe describes."""

import difflib
import inspect
import json
import os
import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue, ValidationError, model_validator

from latentclust.api import HostViewSpec, Issue, LatentclustError

Table = dict[str, Any]

CACHED_PIPELINES = 16
"""Number of cached pipelines, larger than the number of views in a recipe, so that a process builds each once."""

EXAMPLES = [[{"name": "HorizontalFlip", "p": 0.5}, {"name": "RandomGamma"}]]


class Albumentations(HostViewSpec):
    """A pipeline of albumentations transforms, applied in order. They must keep the shape of the images.

    A transform is a table with its class as `name` and its arguments. Compositions such as OneOf have a list
    `transforms` of such tables.

    Example:
        ```toml
        [views.view]
        use = "albumentations"
        transforms = [{ name = "HorizontalFlip", p = 0.5 }, { name = "RandomGamma", gamma_limit = [80, 120] }]
        ```
    """

    transforms: Annotated[tuple[dict[str, JsonValue], ...], Field(min_length=1, examples=EXAMPLES)]
    """Transforms in order, one table each."""

    @model_validator(mode="after")
    def _builds(self) -> "Albumentations":
        """Raise LatentclustError with all issues if a transform does not exist or an argument is invalid."""
        pipeline(self._description)
        return self

    @property
    def _description(self) -> str:
        return json.dumps(self.transforms, sort_keys=True)

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Return the image `(h, w, c)` after the pipeline. Raise LatentclustError if it fails or changes the shape."""
        composed = pipeline(self._description)
        # Use one random stream for the whole pipeline: albumentations seeds every transform with the same number, so
        # that two flips of equal probability would always coincide.
        composed.set_random_state(np.random.default_rng(seed), random.Random(seed))
        try:
            result = composed(image=image)["image"]
        except Exception as error:  # The errors of albumentations and OpenCV have no common base class.
            raise LatentclustError.at(
                "albumentations",
                f"the pipeline fails on an image of shape {image.shape}: {error}",
                "Use transforms that accept these images",
            ) from error
        return _checked(result, image)


def _checked(result: Any, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the result. Raise LatentclustError unless its type and shape are those of the image."""
    if isinstance(result, np.ndarray) and result.dtype == image.dtype and result.shape == image.shape:
        return result
    found = f"{result.dtype} of {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
    raise LatentclustError.at(
        "albumentations",
        f"the pipeline turns {image.dtype} of {image.shape} into {found}",
        "Set the size of the transforms to that of the images, and remove those that normalise or convert to tensors",
    )


@lru_cache(maxsize=CACHED_PIPELINES)
def pipeline(description: str) -> Any:
    """Return the albumentations composition of a JSON list of tables. Raise LatentclustError with all its issues."""
    albumentations = _albumentations()
    return albumentations.Compose(_build_all(json.loads(description), "transforms"))


def _albumentations() -> Any:
    """Import albumentations without its online check for a newer version."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations


def _build_all(tables: Sequence[Table], where: str) -> list[Any]:
    """Build the transforms of a list of tables. Raise LatentclustError with all their issues."""
    built: list[Any] = []
    issues: list[Issue] = []
    for index, table in enumerate(tables):
        try:
            built.append(_build(table, f"{where}.{index}"))
        except LatentclustError as error:
            issues.extend(error.issues)
    if issues:
        raise LatentclustError(*issues)
    return built


def _build(table: Table, where: str) -> Any:
    """Build one transform, or a composition with its transforms."""
    classes = _classes()
    name = str(table.get("name", ""))
    if name not in classes:
        advice = _suggestion(name, classes, "the name of an albumentations class")
        raise LatentclustError.at(f"{where}.name", f"albumentations has no transform {name!r}", advice)
    known = [key for key in inspect.signature(classes[name]).parameters if key != "transforms"]
    arguments: dict[str, Any] = {key: value for key, value in table.items() if key not in ("name", "transforms")}
    issues = [
        Issue(
            f"{where}.{key}", f"{name} has no argument {key!r}", _suggestion(key, known, f"one of {', '.join(known)}")
        )
        for key in arguments
        if key not in known
    ]
    if issues:
        raise LatentclustError(*issues)
    if "transforms" in table:
        arguments["transforms"] = _build_all(_tables(table["transforms"], where), f"{where}.transforms")
    return _construct(classes[name], arguments, where)


def _construct(transform: type, arguments: Mapping[str, Any], where: str) -> Any:
    """Construct a transform. A warning is an error, since albumentations would replace the values and continue."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return transform(**arguments)
    except (ValueError, TypeError, UserWarning) as error:
        what = f"{transform.__name__} refuses its arguments: {_reason(error)}"
        raise LatentclustError.at(where, what, "Correct them; see the documentation of albumentations") from error


def _reason(error: Exception) -> str:
    """Return the reason of an error on one line, for each argument if albumentations' validation raised it."""
    if isinstance(error.__cause__, ValidationError):
        problems = error.__cause__.errors()
        return "; ".join(f"{'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg']}" for item in problems)
    return " ".join(str(error).split())


def _tables(value: object, where: str) -> list[Table]:
    """Return the tables of the transforms of a composition."""
    tables = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(tables) < len(value) or not tables:
        what = f"must be a list of tables, got {value!r}"
        raise LatentclustError.at(f"{where}.transforms", what, "Write one table per transform")
    return tables


def _classes() -> dict[str, type]:
    """Return the transforms and compositions of albumentations by class name."""
    albumentations = _albumentations()
    bases = (albumentations.BasicTransform, albumentations.BaseCompose)
    return {
        name: value
        for name, value in vars(albumentations).items()
        if isinstance(value, type) and issubclass(value, bases)
    }


def _suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Write {otherwise}"

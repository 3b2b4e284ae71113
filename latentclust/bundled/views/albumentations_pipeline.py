"""Any albumentations pipeline, written in the recipe."""

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
"""More than the views of any recipe, so that each process builds each pipeline once."""


EXAMPLES = [[{"name": "HorizontalFlip", "p": 0.5}, {"name": "RandomGamma"}]]


class Albumentations(HostViewSpec):
    """A pipeline of albumentations transforms, run in the recipe's order; they must keep the images' shape.

    A transform is a table: its class as `name`, and its arguments. Compositions such as OneOf take a list `transforms`
    of such tables.
    """

    transforms: Annotated[tuple[dict[str, JsonValue], ...], Field(min_length=1, examples=EXAMPLES)]
    """Tables, one a transform, in order."""

    @model_validator(mode="after")
    def _builds(self) -> "Albumentations":
        """Raises LatentclustError, with all issues, where albumentations lacks a transform or refuses an argument."""
        pipeline(self._description)
        return self

    @property
    def _description(self) -> str:
        return json.dumps(self.transforms, sort_keys=True)

    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """The image `(h, w, c)` after the pipeline; raises LatentclustError where that fails or changes the shape."""
        composed = pipeline(self._description)
        # One stream for the whole pipeline: albumentations' own seeding starts every transform at the same number,
        # so that two flips of equal probability would always fall together.
        composed.set_random_state(np.random.default_rng(seed), random.Random(seed))
        try:
            result = composed(image=image)["image"]
        except Exception as error:  # albumentations and OpenCV share no base for what they raise on unfit images
            raise LatentclustError.at(
                "albumentations",
                f"the pipeline fails on an image of shape {image.shape}: {error}",
                "Choose transforms that suit the images",
            ) from error
        return _checked(result, image)


def _checked(result: Any, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The result, where it is an image like the one given."""
    if isinstance(result, np.ndarray) and result.dtype == image.dtype and result.shape == image.shape:
        return result
    found = f"{result.dtype} of {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
    raise LatentclustError.at(
        "albumentations",
        f"the pipeline turns {image.dtype} of {image.shape} into {found}",
        "Set the transforms' size to that of the images, and leave out those that normalise or convert to tensors",
    )


@lru_cache(maxsize=CACHED_PIPELINES)
def pipeline(description: str) -> Any:
    """The albumentations composition of a JSON list of tables; raises LatentclustError with all issues in it."""
    albumentations = _albumentations()
    return albumentations.Compose(_build_all(json.loads(description), "transforms"))


def _albumentations() -> Any:
    """The library, kept from asking the network for a newer version of itself."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations


def _build_all(tables: Sequence[Table], where: str) -> list[Any]:
    """The transforms of a list of tables, or every issue in them."""
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
    """One transform, or a composition with what it is composed of."""
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
    """The transform; a warning counts as a refusal, for albumentations then goes on with values of its own choice."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return transform(**arguments)
    except (ValueError, TypeError, UserWarning) as error:
        what = f"{transform.__name__} refuses its arguments: {_reason(error)}"
        raise LatentclustError.at(where, what, "Mend them; albumentations documents each transform") from error


def _reason(error: Exception) -> str:
    """What albumentations objects to, argument by argument where its own validation says so."""
    if isinstance(error.__cause__, ValidationError):
        problems = error.__cause__.errors()
        return "; ".join(f"{'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg']}" for item in problems)
    return " ".join(str(error).split())


def _tables(value: object, where: str) -> list[Table]:
    """The tables that a composition is composed of."""
    tables = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(tables) < len(value) or not tables:
        raise LatentclustError.at(f"{where}.transforms", f"{value!r} is no list of tables", "Write a table a transform")
    return tables


def _classes() -> dict[str, type]:
    """The transforms and compositions of albumentations, by class name."""
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

"""Changes to a recipe from outside: `--set` settings as text, and overrides from Python as values."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np

from latentclust.errors import LatentclustError
from latentclust.recipe.show import inline

Overrides = Mapping[str, Any] | Sequence[str]
"""Values by dotted key, or settings `dotted.key=value` whose value is TOML (a bare word is a string)."""


def override_layers(overrides: Overrides) -> list[tuple[dict[str, Any], str]]:
    """Return each override as nested tables with its origin, written as `--set` takes it.

    Raises:
        LatentclustError: If a setting has no value, or a value cannot be written in a recipe.
    """
    if isinstance(overrides, Mapping):
        return [_layer(key, recipe_value(key, value)) for key, value in overrides.items()]
    return [(parse_setting(setting), f"--set {setting}") for setting in overrides]


def parse_setting(setting: str) -> dict[str, Any]:
    """Return `a.b=c` as nested tables. Raise LatentclustError if it is not of this form."""
    try:
        setting.encode()
    except UnicodeEncodeError as error:
        shown = setting.encode(errors="replace").decode()
        raise LatentclustError.at(f"--set {shown}", "is not text in this locale", "Set LC_ALL=C.UTF-8") from error
    key, equals, text = setting.partition("=")
    if not equals:
        raise _malformed(setting)
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    except (RecursionError, ValueError) as error:
        what = f"has a value that cannot be read ({type(error).__name__})"
        raise LatentclustError.at(f"--set {key}", what, "Use a value of the usual size") from error
    return _nested(key, value, setting)


def recipe_value(key: str, value: Any) -> Any:
    """Return a Python value as TOML would give it: paths as strings, tuples as lists.

    Raises:
        LatentclustError: If TOML has no such value, as for None; `key` is named as the place.
    """
    value = _plain(value)
    if isinstance(value, Mapping):
        return {str(name): recipe_value(key, item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [recipe_value(key, item) for item in value]
    if isinstance(value, bool):
        return value
    for kind in (int, float, str):  # subclasses become the plain type
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (date, time)):
        return value
    fix = "Use numbers, strings, booleans, paths, and lists and mappings of them"
    raise LatentclustError.at(key, f"{value!r} cannot be written in a recipe", fix)


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as the Python value."""
    return value.item() if isinstance(value, np.generic) else value


def _layer(key: str, value: Any) -> tuple[dict[str, Any], str]:
    setting = f"{key}={inline(value)}"
    return _nested(key, value, setting), f"--set {setting}"


def _nested(key: str, value: Any, setting: str) -> dict[str, Any]:
    keys = [part.strip() for part in key.split(".")]
    if not all(keys):
        raise _malformed(setting)
    for part in reversed(keys):
        value = {part: value}
    return dict(value)


def _malformed(setting: str) -> LatentclustError:
    return LatentclustError.at(f"--set {setting}", "is not a setting", "Write --set table.key=value")

"""Checks of the options of a part: types, documentation, strict validation, serialization."""

import pickle
import tomllib
from typing import Any

import tomli_w
from pydantic import BaseModel

from latentclust.errors import LatentclustError
from latentclust.plugins.options import part_options
from latentclust.recipe.schema import DataTable, NetworkTable, QuantityTable, ViewTable
from latentclust.recipe.table import PartTable
from latentclust.recipe.training_tables import LossTable, SampleTable
from latentclust.specs.validation import validate
from latentclust.testing.subject import CheckedPart, CheckFailed, example_options, require

TABLES: dict[str, type[BaseModel]] = {
    "backbone": NetworkTable,
    "dataset": DataTable,
    "loss": LossTable,
    "quantity": QuantityTable,
    "table": SampleTable,
    "view": ViewTable,
}
"""Tables of the kinds whose tables have keys other than `use`."""

UNKNOWN = "no_such_key"


def types_every_option(subject: CheckedPart) -> None:
    """Every field has a type, and its key in a recipe is its name."""
    for name, field in subject.spec.model_fields.items():
        require(field.annotation not in (None, Any), f"the option {name!r} has no type")
        require(field.alias is None, f"the option {name!r} has the alias {field.alias!r}: its key must be its name")


def documents_every_option(subject: CheckedPart) -> None:
    """Every field has a docstring or a description, which `plugins list` prints next to the default."""
    bare = [option.name for option in part_options(subject.spec) if not option.description]
    require(not bare, f"the option {' and '.join(map(repr, bare))} has no description: write a docstring below it")


def has_no_reserved_option_names(subject: CheckedPart) -> None:
    """No option has the name of a key that is reserved in the table, such as the `weight` of a loss."""
    taken = {"use", *TABLES.get(subject.part.kind, PartTable).model_fields} & set(subject.spec.model_fields)
    require(
        not taken,
        f"the option {' and '.join(map(repr, sorted(taken)))} is a reserved key of the table of a {subject.part.kind}",
    )


def round_trips_through_a_recipe(subject: CheckedPart) -> None:
    """Its options, written as TOML and read again, give an equal part."""
    spec = subject.build()
    text = tomli_w.dumps(_without_none(spec.model_dump(mode="json")))
    again = validate(subject.spec, tomllib.loads(text), subject.part.name)
    require(again == spec, f"it changes when written to TOML and read again: from {spec!r} to {again!r}")


def rejects_unknown_keys(subject: CheckedPart) -> None:
    """An unknown key is an error that names the key."""
    try:
        validate(subject.spec, {**example_options(subject.part), UNKNOWN: 1}, "here")
    except LatentclustError as error:
        told = any(issue.where == f"here.{UNKNOWN}" for issue in error.issues)
        require(told, f"its error for an unknown key does not name the key: {error}")
        return
    raise CheckFailed("it accepts an unknown key")


def rejects_numbers_as_text(subject: CheckedPart) -> None:
    """A numeric or boolean option rejects its value as a string."""
    spec = subject.build()
    for name in subject.spec.model_fields:
        value = getattr(spec, name)
        if not isinstance(value, (bool, int, float)):
            continue
        try:
            other = getattr(validate(subject.spec, {**example_options(subject.part), name: str(value)}, "here"), name)
        except LatentclustError:
            continue
        require(
            isinstance(other, str), f"the option {name!r} accepts the text {str(value)!r} and converts it to {other!r}"
        )


def cannot_be_changed(subject: CheckedPart) -> None:
    """Its options cannot be changed after it was built."""
    spec = subject.build()
    for name in subject.spec.model_fields:
        try:
            setattr(spec, name, getattr(spec, name))
        except ValueError:
            continue
        raise CheckFailed(f"the option {name!r} can be changed after the part was built")


def can_be_sent_to_workers(subject: CheckedPart) -> None:
    """Pickled as for a worker process, and read again, it is an equal part."""
    spec = subject.build()
    try:
        again = pickle.loads(pickle.dumps(spec))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise CheckFailed(f"it cannot be pickled: {error}") from error
    require(again == spec, f"it changes when pickled and unpickled: from {spec!r} to {again!r}")


def _without_none(value: Any) -> Any:
    """Return a value without keys that are None, because TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value

"""pydantic's errors as one issue per mistake, with the keys of a recipe."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from pydantic import PositiveInt, model_validator

from latentclust.errors import Issue, LatentclustError
from latentclust.specs.parts import Spec
from latentclust.specs.validation import validate


class Inner(Spec):
    """A table in the table."""

    start: float
    end: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> "Inner":
        if self.end < self.start:
            raise ValueError(f"end = {self.end} lies before start = {self.start}")
        return self


class Outer(Spec):
    """A table with every form of value."""

    count: PositiveInt = 1
    pair: tuple[float, float] = (0.0, 1.0)
    sizes: tuple[PositiveInt, ...] | Literal["auto"] = "auto"
    ramp: float | Inner = 1.0
    inner: Mapping[str, Inner] = {}
    steps: tuple[str | Inner, ...] = ()


def found(data: dict[str, Any], *siblings: str) -> tuple[Issue, ...]:
    try:
        validate(Outer, data, "losses.x", siblings)
    except LatentclustError as error:
        return error.issues
    return ()


def test_lists_become_tuples_and_whole_numbers_floats() -> None:
    read = validate(Outer, {"pair": [1, 2], "sizes": [3], "ramp": 2, "steps": ["a", {"start": 0}]}, "x")
    assert read == Outer(pair=(1.0, 2.0), sizes=(3,), ramp=2.0, steps=("a", Inner(start=0.0)))


@pytest.mark.parametrize(
    ("data", "issue"),
    [
        ({"count": "64"}, Issue("losses.x.count", "invalid value '64'", "Input should be a valid integer")),
        ({"count": 1.5}, Issue("losses.x.count", "invalid value 1.5", "Input should be a valid integer")),
        ({"count": True}, Issue("losses.x.count", "invalid value True", "Input should be a valid integer")),
        ({"count": 0}, Issue("losses.x.count", "invalid value 0", "Input should be greater than 0")),
        (
            {"ramp": float("nan")},
            Issue("losses.x.ramp", "invalid value nan", "Input should be a finite number or a tabl"),
        ),
        (
            {"pair": [0.0, float("inf")]},
            Issue("losses.x.pair.1", "invalid value inf", "Input should be a finite number"),
        ),
        ({"pair": [0.0]}, Issue("losses.x.pair.1", "this value is missing", "Add it to the end of the list")),
        ({"inner": 3}, Issue("losses.x.inner", "invalid value 3", "Input should be a table")),
        ({"inner": {"a": {}}}, Issue("losses.x.inner.a.start", "this key is missing", "Add it")),
        ({"cuont": 1}, Issue("losses.x.cuont", "unknown key 'cuont'", "Did you mean 'count'?")),
        (
            {"inner": {"a": {"start": 0, "edn": 1}}},
            Issue("losses.x.inner.a.edn", "unknown key 'edn'", "Did you mean '"),
        ),
    ],
)
def test_one_mistake_is_one_issue(data: dict[str, Any], issue: Issue) -> None:
    (told,) = found(data)
    assert (told.where, told.what) == (issue.where, issue.what)
    assert told.fix.startswith(issue.fix)


@pytest.mark.parametrize(
    ("data", "where", "fix"),
    [
        ({"sizes": "all"}, "losses.x.sizes", "Input should be a list or 'auto'"),
        ({"sizes": [1, 0]}, "losses.x.sizes.1", "Input should be greater than 0"),
        ({"ramp": "fast"}, "losses.x.ramp", "Input should be a valid number or a table"),
        ({"ramp": {"start": 0, "edn": 2}}, "losses.x.ramp.edn", "Did you mean 'end'?"),
        ({"ramp": {"start": 2}}, "losses.x.ramp", "end = 1.0 lies before start = 2.0"),
        ({"steps": ["a", 3]}, "losses.x.steps.1", "Input should be a valid string or a table"),
        ({"steps": ["a", {"end": 3}]}, "losses.x.steps.1.start", "Add it"),
    ],
)
def test_the_branches_of_a_union_speak_with_one_voice(data: dict[str, Any], where: str, fix: str) -> None:
    (told,) = found(data)
    assert told.where == where
    assert told.fix == fix


def test_every_mistake_is_reported() -> None:
    wheres = [issue.where for issue in found({"count": 0, "steps": [3, {}], "pair": "a", "b": 1})]
    assert wheres == [
        "losses.x.count", "losses.x.pair", "losses.x.steps.0", "losses.x.steps.1.start", "losses.x.b"
    ]  # fmt: skip


def test_an_unknown_key_may_have_been_meant_for_another_reader_of_the_table() -> None:
    (told,) = found({"wieght": 1.0}, "use", "weight")
    assert told.fix == "Did you mean 'weight'?"
    (nested,) = found({"ramp": {"start": 0, "wieght": 1.0}}, "use", "weight")
    assert nested.fix == "Use one of: end, start"


class Refusing(Spec):
    """Raises an issue of its own, relative to its table."""

    @model_validator(mode="after")
    def _refuse(self) -> "Refusing":
        raise LatentclustError.at("transforms.0", "no such transform", "Choose another")


def test_the_issues_that_a_part_raises_itself_are_placed_in_its_table() -> None:
    with pytest.raises(LatentclustError, match=r"^views\.a\.transforms\.0: no such transform\. Choose another$"):
        validate(Refusing, {}, "views.a")

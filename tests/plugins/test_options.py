"""Options of parts in a user's words."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, NonNegativeInt, PositiveInt

from latentclust.plugins.options import format_annotation, part_options
from latentclust.specs.parts import Spec


class Example(Spec):
    """A part."""

    path: Path
    """Where it
    lies."""

    side: PositiveInt | None = None
    kind: Literal["a", "b"] = "a"
    widths: tuple[PositiveInt, ...] = (1, 2)
    share: float = Field(default=0.5, gt=0, le=1)
    bare: bool = False


def test_each_option_is_a_line_as_its_user_would_write_it():
    assert [str(option) for option in part_options(Example)] == [
        "path: Path (required)",
        "side: int > 0 (optional)",
        'kind: "a" | "b" = "a"',
        "widths: [int > 0, ...] = [1, 2]",
        "share: float > 0 <= 1 = 0.5",
        "bare: bool = false",
    ]


def test_what_its_author_wrote_below_an_option_describes_it():
    described = {option.name: option.description for option in part_options(Example)}
    assert described["path"] == "Where it lies."
    assert described["side"] == ""


def test_a_part_inherits_descriptions():
    class Other(Example):
        """Another part."""

    assert part_options(Other)[0].description == "Where it lies."


def test_only_specs_have_options():
    assert part_options(len) == []


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[NonNegativeInt, "remark"], "int >= 0"),
        (tuple[float, float], "[float, float]"),
        (dict[str, int], "dict of str, int"),
        (Literal[0, 1] | str, "0 | 1 | str"),
        (Any, "Any"),
    ],
)
def test_types(annotation, words):
    assert format_annotation(annotation) == words


def test_values_that_toml_cannot_hold_are_printed_as_well_as_possible():
    class Odd(Spec):
        """A part."""

        warmup: timedelta = Field(default=timedelta(1), gt=timedelta(0))
        sizes: Mapping[tuple[int, int], float] = {(1, 2): 0.5}

    warmup, sizes = part_options(Odd)
    assert str(warmup) == 'warmup: timedelta > 0:00:00 = "1 day, 0:00:00"'
    assert str(sizes) == "sizes: Mapping of [int, int], float = a dict"


def test_a_type_that_fails_to_say_what_it_is():
    class Mute(timedelta):
        def __str__(self):
            raise RuntimeError

    class Odd(Spec):
        """A part."""

        warmup: timedelta = Field(default=timedelta(1), gt=Mute(0))

    assert str(part_options(Odd)[0]) == 'warmup: a value = "1 day, 0:00:00"'

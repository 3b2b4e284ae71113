"""Checks of names, docstrings and options fail for parts that violate them."""

from typing import Any

import pytest
from pydantic import ConfigDict, Field, field_validator

from latentclust.api import Code, LossSpec, Scalar
from latentclust.testing import docstring_checks, option_checks


class Good(LossSpec):
    """The mean logit (Nobody 1999)."""

    factor: float = 1.0
    """What it is multiplied by."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(self.factor * code.logits.float().mean())


class Mute(Good):
    factor: float = 1.0


class Fragment(Good):
    """The mean logit"""


class Unsourced(Good):
    """The mean logit."""


class Untyped(Good):
    """The mean logit (Nobody 1999)."""

    more: Any = None
    """Anything."""


class Alias(Good):
    """The mean logit (Nobody 1999)."""

    more: int = Field(default=1, alias="other")
    """Some."""


class Undocumented(Good):
    """The mean logit (Nobody 1999)."""

    more: int = 1


class Weighted(Good):
    """The mean logit (Nobody 1999)."""

    weight: float = 1.0
    """The key of every loss."""


class Rounded(Good):
    """The mean logit (Nobody 1999)."""

    level: float = 0.12345
    """Loses its last digits on the way."""

    @field_validator("level", mode="after")
    @classmethod
    def _shift(cls, level: float) -> float:
        return level + 1


class Lax(Good):
    """The mean logit (Nobody 1999)."""

    model_config = ConfigDict(extra="ignore")


class Coerced(Good):
    """The mean logit (Nobody 1999)."""

    model_config = ConfigDict(strict=False)


class Thawed(Good):
    """The mean logit (Nobody 1999)."""

    model_config = ConfigDict(frozen=False)


class Needy(Good):
    """The mean logit (Nobody 1999)."""

    model: str
    """Must be given."""


def local() -> type[Good]:
    class Local(Good):
        """The mean logit (Nobody 1999)."""

    return Local


@pytest.mark.parametrize("name", ["Loud", "under_score", "double--hyphen"])
def test_a_name_that_recipes_do_not_write(name: str, caught):
    told = caught(docstring_checks.has_a_valid_name, "loss", Good, name=name)
    assert told == f"{name!r} is not a valid name: use lower-case words with '-' between them"


def test_a_quantity_in_capitals(caught):
    told = caught(docstring_checks.has_a_valid_name, "quantity", local, name="Local")
    assert told == "'Local' is not a valid name: use lower-case words with '_' between them"


def test_no_docstring_of_its_own(caught):
    assert caught(docstring_checks.has_a_summary, "loss", Mute) == "it has no docstring of its own"


def test_half_a_sentence(caught):
    assert "is not a sentence: 'The mean logit'" in caught(docstring_checks.has_a_summary, "loss", Fragment)


def test_no_source(caught):
    assert caught(docstring_checks.names_its_source, "loss", Unsourced).startswith(
        "neither its docstring nor its module's"
    )


@pytest.mark.parametrize("text", ["Smith et al. 2017", "(Smith, 2017)", "arXiv:1701.06548", "\nSource: here"])
def test_ways_to_name_a_source(text: str):
    assert docstring_checks.SOURCE.search(f"A loss. {text}")


def test_no_type(caught):
    assert caught(option_checks.types_every_option, "loss", Untyped) == "the option 'more' has no type"


def test_another_name_in_a_recipe(caught):
    assert "has the alias 'other'" in caught(option_checks.types_every_option, "loss", Alias)


def test_no_word_of_an_option(caught):
    told = caught(option_checks.documents_every_option, "loss", Undocumented)
    assert told == "the option 'more' has no description: write a docstring below it"


def test_a_key_of_the_table_itself(caught):
    told = caught(option_checks.has_no_reserved_option_names, "loss", Weighted)
    assert told == "the option 'weight' is a reserved key of the table of a loss"


def test_an_option_that_does_not_survive(caught):
    assert "it changes when written to TOML and read again: from " in caught(
        option_checks.round_trips_through_a_recipe, "loss", Rounded
    )


def test_an_unknown_key_that_is_taken(caught):
    assert caught(option_checks.rejects_unknown_keys, "loss", Lax) == "it accepts an unknown key"


def test_text_for_a_number(caught):
    told = caught(option_checks.rejects_numbers_as_text, "loss", Coerced)
    assert told == "the option 'factor' accepts the text '1.0' and converts it to 1.0"


def test_an_option_that_can_be_set(caught):
    assert (
        caught(option_checks.cannot_be_changed, "loss", Thawed)
        == "the option 'factor' can be changed after the part was built"
    )


def test_a_class_that_no_worker_can_import(caught):
    assert caught(option_checks.can_be_sent_to_workers, "loss", local()).startswith("it cannot be pickled: ")


def test_an_option_without_an_example(caught):
    told = caught(option_checks.round_trips_through_a_recipe, "loss", Needy)
    assert told == "the option 'model' is required but has no example: add Field(examples=[...])"


EXAMPLE = """A penalty.

    Example:
        ```toml
        [losses.penalty]
        use = "wrong"
        player = "encoder"
        weight = 0.5
        OPTION
        ```
    """


class Exemplary(LossSpec):
    """To be given an example."""

    width: float = 1.0
    """Its width."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.mean())


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("wide = 2.0", "Example.wide"),
        ('width = "2"', "Example.width"),
        ("width = ", "is not valid TOML"),
    ],
)
def test_an_example_is_a_table_with_options_of_its_part(caught, monkeypatch, option, said):
    monkeypatch.setattr(Exemplary, "__doc__", EXAMPLE.replace("OPTION", option))
    assert said in caught(docstring_checks.has_a_valid_example, "loss", Exemplary)


@pytest.mark.parametrize("option", ["width = 2.0", ""])
def test_a_valid_example_is_accepted(subject, monkeypatch, option):
    monkeypatch.setattr(Exemplary, "__doc__", EXAMPLE.replace("OPTION", option))
    docstring_checks.has_a_valid_example(subject("loss", Exemplary))
    assert docstring_checks.example_recipe(Exemplary)["losses"]["penalty"]["weight"] == 0.5


def test_an_example_must_use_its_part(caught, monkeypatch):
    monkeypatch.setattr(Exemplary, "__doc__", EXAMPLE.replace('"wrong"', '"another"').replace("OPTION", ""))
    assert "does not use" in caught(docstring_checks.has_a_valid_example, "loss", Exemplary)
    monkeypatch.setattr(Exemplary, "__doc__", "A penalty.")
    assert not docstring_checks.has_example(Exemplary)

"""What every part with options owes its users: words, options with types, and strictness."""

import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel

from latentclust.errors import LatentclustError
from latentclust.recipe.schema import DataTable, LossTable, NetworkTable, PartTable, SampleTable, ViewTable
from latentclust.registry import KINDS, Part, Registry
from latentclust.specs import DatasetSpec

HOSTS: dict[str, type[BaseModel]] = {
    "backbone": NetworkTable,
    "dataset": DataTable,
    "loss": LossTable,
    "table": SampleTable,
    "view": ViewTable,
}
"""The table that names a part of a kind, where it has keys of its own besides `use`."""

PLUGINS_ONLY = {"table", "start"}
"""Kinds of which latentclust ships no part."""


def test_it_says_in_one_sentence_what_it_is(part: Part) -> None:
    own = vars(part.value)["__doc__"]
    assert own, "it has no docstring of its own"
    sentence = inspect.cleandoc(own).split("\n")[0]
    assert sentence.endswith((".", ":")), "the first line is what `plugins list` prints: let it be a whole sentence"
    assert part.summary == sentence


def test_its_name_is_a_word_of_a_recipe(part: Part) -> None:
    assert part.name == part.name.lower()
    assert part.name.replace("-", "").isalnum()


def test_every_option_has_a_type_and_is_the_recipes_key(part: Part) -> None:
    for name, field in part.value.model_fields.items():
        assert field.annotation not in (None, Any), name
        assert field.alias is None, name


def test_its_defaults_are_legal_and_survive_json(part: Part, make: Any, registry: Registry) -> None:
    spec = make(part)
    text = json.loads(spec.model_dump_json())
    assert registry.build(part.kind, part.qualified, text, "here") == spec


def test_it_refuses_a_key_that_it_does_not_know(part: Part, registry: Registry) -> None:
    with pytest.raises(LatentclustError) as caught:
        registry.build(part.kind, part.qualified, {"no_such_key": 1}, "here")
    assert "here.no_such_key: unknown key 'no_such_key'" in str(caught.value)


def test_it_cannot_be_changed(part: Part, make: Any) -> None:
    spec = make(part)
    for name in part.value.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(spec, name, None)


def test_no_option_is_taken_by_the_table_that_names_it(part: Part) -> None:
    host = HOSTS.get(part.kind, PartTable)
    assert set(part.value.model_fields).isdisjoint(host.model_fields)


def test_the_registry_holds_every_kind(registry: Registry) -> None:
    assert all(registry.parts(kind) for kind in KINDS if kind not in PLUGINS_ONLY)


# Data sets


def test_a_data_set_says_what_it_holds_and_under_which_licence(dataset: Part) -> None:
    spec: type[DatasetSpec] = dataset.value
    assert spec.summary
    assert spec.licence
    assert spec.layout
    assert "\n" not in spec.summary


def test_a_data_set_that_is_absent_says_what_to_do(dataset: Part, make: Any, tmp_path: Any) -> None:
    spec: DatasetSpec = make(dataset)
    if spec.located((tmp_path,)) is not None:
        assert spec.layout.startswith("nothing: "), "it is there without a file of the user's"
        return
    with pytest.raises(LatentclustError) as caught:
        spec.open((tmp_path,))
    (issue,) = caught.value.issues
    assert issue.where.startswith("data.")
    assert spec.layout in issue.fix or issue.where == "data.path"
    if "data fetch" in issue.fix:
        assert f"`latentclust data fetch {dataset.name}`" in issue.fix

"""The page of hooks is up to date, and every hook has types and a description."""

import inspect
import typing
from collections.abc import Mapping

import pytest

from latentclust.plugins import hookspecs
from latentclust.plugins.checks import PROVIDED, SPECS, hook_kind
from tests.docs.scripts import load_script

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("provide_"))


def test_the_page_is_what_its_script_writes(page):
    script = load_script("docs/scripts/hook_reference.py")

    assert page("docs/reference/hooks.md").text == script.reference(), "run `python docs/scripts/hook_reference.py`"


def test_there_is_a_hook_for_every_kind():
    # Recipes are whole experiments, which `latentclust recipe list` shows.
    assert sorted(map(hook_kind, HOOKS)) == sorted(PROVIDED)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_typed_and_documented(name: str):
    hook = vars(hookspecs)[name]
    assert (inspect.getdoc(hook) or "").endswith(".")
    assert not inspect.signature(hook).parameters
    result = typing.get_type_hints(hook)["return"]
    assert typing.get_origin(result) is Mapping
    key, value = typing.get_args(result)
    assert key is str
    kind = hook_kind(name)
    assert kind not in SPECS or typing.get_args(value) == (SPECS[kind],)

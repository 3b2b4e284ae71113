"""`latentclust plugins`."""

import json

import pytest

from latentclust.assemble.resolve import resolve
from latentclust.cli.plugins.part_uses import used_names
from latentclust.plugins.checks import PROVIDED
from latentclust.plugins.registry import KINDS, installed
from latentclust.recipe.load import load_recipe, shipped_recipes

SHADOW = """
from latentclust.api import LossSpec, Scalar, Scores, hookimpl

class Other(LossSpec):
    '''Another loss.'''
    floor: float = 0.0
    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar(score_of_fake.mean())

@hookimpl
def provide_losses():
    return {"adversarial": Other, "other": Other}
"""


def test_every_part_is_listed(cli):
    found = json.loads(cli("plugins", "list", "--json").out)

    registry = installed()
    assert [(part["kind"], part["name"]) for part in found["parts"]] == [
        (part.kind, part.name) for kind in PROVIDED for part in registry.parts(kind)
    ]
    assert all(part["summary"] for part in found["parts"])
    assert found["broken"] == []


def test_options_come_with_type_and_default(cli):
    found = json.loads(cli("plugins", "list", "prior", "--json").out)["parts"]

    options = {
        option["name"]: option for option in next(part for part in found if part["name"] == "uniform")["options"]
    }
    half_width, clusters = options["half_width"], options["clusters"]
    told = clusters.pop("description"), half_width.pop("description")
    assert half_width == {"name": "half_width", "type": "float > 0", "required": False, "default": 1.0}
    assert clusters == {"name": "clusters", "type": "int >= 2", "required": True, "default": None}
    assert told == ("Number of clusters that the inference looks for.", "Largest absolute value of a dimension.")
    assert "half_width: float > 0 = 1.0" in cli("plugins", "list", "prior").out


def test_options_are_described(cli):
    parts = json.loads(cli("plugins", "list", "view", "--json").out)["parts"]
    affine = next(part for part in parts if part["name"] == "affine")["options"]
    told = "Largest rotation in degrees, in either direction."
    assert {option["name"]: option["description"] for option in affine}["rotation"] == told
    assert told in cli("plugins", "list", "view").out


def test_a_shadowed_part_is_listed_by_the_name_it_answers_to(cli, distribution):
    distribution("third-party", SHADOW)

    found = json.loads(cli("plugins", "list", "loss", "--json").out)
    names = {part["name"] for part in found["parts"] if part["provider"] == "third-party"}
    assert names == {"third-party:adversarial", "other"}
    assert [remark["remark"] for remark in found["remarks"]] == [
        "loss 'adversarial' is available as third-party:adversarial only: latentclust has one of that name"
    ]


def test_a_broken_plugin_is_listed_with_its_entry_point_and_error(cli, distribution):
    distribution("broken-one", "raise RuntimeError('no luck')")

    told = "broken-one 1.2, entry point parts: RuntimeError: no luck"
    assert cli("plugins", "list", "metric").out.rstrip().endswith(told)
    (found,) = json.loads(cli("plugins", "list", "metric", "--json").out)["broken"]
    assert (found["provider"], found["version"], found["entry_point"]) == ("broken-one", "1.2", "parts")
    assert found["error"] == "RuntimeError: no luck"


def test_what_is_left_out_is_listed(cli, distribution, monkeypatch):
    distribution("third-party", SHADOW)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")

    assert "excluded by LATENTCLUST_PLUGINS\n" in cli("plugins", "list", "metric").out
    found = json.loads(cli("plugins", "list", "--json").out)
    assert {"provider": "third-party", "version": "1.2"} in found["left_out"]
    assert {part["provider"] for part in found["parts"]} == {"latentclust"}
    assert "by LATENTCLUST_PLUGINS; it is not imported" in cli("plugins", "show", "third-party").out


def test_unknown_names_in_the_variable_are_reported_on_standard_error(cli, distribution, monkeypatch):
    distribution("third-party", SHADOW)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "third-partie")

    (alert,) = json.loads(cli("plugins", "list", "metric", "--json").out)["alerts"]
    assert alert == "LATENTCLUST_PLUGINS names 'third-partie', but no installed plugin has that name"


def test_an_unknown_kind_is_refused(cli):
    assert "unknown kind 'losses'. Did you mean 'loss'?" in cli("plugins", "list", "losses").err


def test_a_part_is_shown_with_all_that_there_is_to_say(cli):
    (found,) = json.loads(cli("plugins", "show", "mmd", "--json").out)

    assert (found["kind"], found["name"], found["qualified"]) == ("loss", "mmd", "latentclust:mmd")
    assert found["requirement"].startswith("is latentclust ")
    assert found["source"].rpartition(":")[0].endswith("latentclust/bundled/losses/mmd.py")
    assert {option["name"] for option in found["options"]} == {"widths", "factors"}
    assert found["description"].startswith(found["summary"])
    assert "digits-dls" in found["recipes"]
    assert found["systems"] == ["dls@1"]
    printed = cli("plugins", "show", "latentclust:mmd").out
    assert "loss mmd\n" in printed
    assert "digits-dls" in printed
    assert 'widths: [float > 0, ...] | "median" | "sum-of-medians" = "median"' in printed


def test_who_uses_a_quantity_is_who_is_bound_to_it():
    registry = installed()
    for name in shipped_recipes():
        loaded = load_recipe(name, registry)
        nodes = {node.name for plan in resolve(loaded, registry).plans.values() for node in plan.nodes}
        defined = {node: loaded.recipe.quantities.get(node, node) for node in nodes}
        bound = {item if isinstance(item, str) else item.use for item in defined.values()}
        assert set(used_names(registry, loaded.recipe, "quantity")) == bound, name


def test_who_uses_a_system_is_who_extends_it(cli):
    (found,) = json.loads(cli("plugins", "show", "dccs@1", "--json").out)

    assert "digits" in found["recipes"]
    assert "digits-dls" not in found["recipes"]
    assert found["source"].endswith("dccs.toml")


@pytest.mark.usefixtures("whole_set")
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_every_kind_is_shown(cli, kind):
    part = installed().parts(kind)[0]
    outcome = cli("plugins", "show", part.name)

    assert outcome.code == 0
    assert f"\n{kind} {part.name}\n" in outcome.out


def test_a_name_of_several_kinds_shows_each(cli):
    registry = installed()
    names = [part.name for kind in KINDS for part in registry.parts(kind)]
    name = next(name for name in names if names.count(name) > 1)

    assert len(json.loads(cli("plugins", "show", name, "--json").out)) == names.count(name)


TWO = "[latentclust]\nparts = third_party\n[latentclust.commands]\ngreet = third_party:nowhere\n"


def test_a_distribution_is_shown_with_its_parts_commands_and_problems(cli, distribution):
    wrong = SHADOW.replace('"other": Other', '"other": Other, "seven": 7')
    requirement = "Summary: Says [more]\nRequires-Dist: latentclust>=0.1"
    info = distribution("third-party", wrong, points=TWO, metadata=requirement)

    (found,) = json.loads(cli("plugins", "show", "Third_Party", "--json").out)
    assert (found["kind"], found["name"], found["version"]) == ("distribution", "third-party", "1.2")
    assert found["summary"] == "Says [more]"
    assert found["requirement"].startswith("latentclust>=0.1, which ")
    assert found["folder"] == str(info.parent)
    assert {part["name"] for part in found["parts"]} == {"third-party:adversarial", "other"}
    assert [(one["name"], one["error"]) for one in found["commands"]] == [
        ("greet", "AttributeError: module 'third_party' has no attribute 'nowhere'")
    ]
    assert [one["error"] for one in found["broken"]] == ["loss 'seven' is not a LossSpec"]
    assert len(found["remarks"]) == 1
    assert found["import_seconds"]["parts"] >= 0
    printed = cli("plugins", "show", "third-party").out
    assert "BROKEN       entry point parts: loss 'seven' is not a LossSpec" in printed
    assert "command      greet: AttributeError" in printed
    assert "Says [more]" in printed


def test_a_part_of_a_plugin_is_shown_by_either_name(cli, distribution):
    distribution("third-party", SHADOW)

    (found,) = json.loads(cli("plugins", "show", "third-party:other", "--json").out)
    assert found["requirement"].startswith("does not name latentclust")
    assert found["recipes"] == found["systems"] == []
    both = json.loads(cli("plugins", "show", "adversarial", "--json").out)
    assert {one["qualified"] for one in both} == {"latentclust:adversarial", "third-party:adversarial"}
    (theirs,) = [one for one in both if one["provider"] == "third-party"]
    assert theirs["recipes"] == []


def test_a_plugin_that_does_not_suit_is_shown_with_the_reason(cli, distribution):
    distribution("third-party", SHADOW, metadata="Requires-Dist: latentclust>=99")

    (found,) = json.loads(cli("plugins", "show", "third-party", "--json").out)
    assert found["requirement"].startswith("it requires latentclust>=99, and latentclust ")
    assert [one["error"] for one in found["broken"]] == [found["requirement"]]
    assert found["import_seconds"] == {}


def test_an_unknown_name_is_met_with_the_closest(cli):
    outcome = cli("plugins", "show", "mmmd")

    assert outcome.code == 2
    assert outcome.err == "error: NAME: unknown part, command or plugin 'mmmd'. Did you mean 'mmd'?\n"

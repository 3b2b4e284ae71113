"""`latentclust plugins`."""

import json

from latentclust.cli.plugins import answers_to
from latentclust.plugins import discover
from latentclust.registry import KINDS, Registry, installed

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
        (part.kind, part.name) for kind in KINDS for part in registry.parts(kind)
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
    assert told == ("K, the number of clusters asked for; at least 2.", "")
    assert "half_width: float > 0 = 1.0" in cli("plugins", "list", "prior").out


def test_options_are_described(cli):
    parts = json.loads(cli("plugins", "list", "view", "--json").out)["parts"]
    affine = next(part for part in parts if part["name"] == "affine")["options"]
    told = "Largest rotation either way; degrees."
    assert {option["name"]: option["description"] for option in affine}["rotation"] == told
    assert told in cli("plugins", "list", "view").out


def test_a_shadowed_part_is_listed_by_the_name_it_answers_to(distribution):
    distribution("third-party", SHADOW)
    registry = Registry(discover())

    names = {
        answers_to(registry, part) for part in registry.parts("loss") if part.provider.distribution == "third-party"
    }
    assert names == {"third-party:adversarial", "other"}


def test_a_broken_plugin_is_listed_with_its_error(cli, distribution):
    distribution("broken-one", "raise RuntimeError('no luck')")
    installed.cache_clear()
    try:
        outcome = cli("plugins", "list", "metric")
    finally:
        installed.cache_clear()

    assert outcome.out.rstrip().endswith("broken-one 1.2: RuntimeError: no luck")


def test_an_unknown_kind_is_refused(cli):
    assert "there is no kind 'losses'. Did you mean 'loss'?" in cli("plugins", "list", "losses").err

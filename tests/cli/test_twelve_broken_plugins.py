"""Twelve plugins, each broken in its own way: after each, the help and the list work; with all at once, a run does."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from latentclust.plugins.registry import discovered, installed

LOSS = """
from latentclust.api import LossSpec, Scalar, Scores, hookimpl

class Hinge(LossSpec):
    '''The hinge.'''
    def __call__(self, score_of_fake: Scores) -> Scalar:
        return Scalar((1 - score_of_fake).relu().mean())

@hookimpl
def provide_losses():
    return {"NAME": Hinge}
"""

HOOK = "from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): "


@dataclass(frozen=True)
class Broken:
    """A distribution, and what the list says of it: under `broken`, or `remarks` where it is used nevertheless."""

    source: str
    said: str
    under: str = "broken"
    points: str = "parts = MODULE"
    metadata: str = ""
    torn: bool = False


TWELVE = {
    "import-error": Broken("import does_not_exist", "ModuleNotFoundError: No module named 'does_not_exist'"),
    "signature": Broken(
        HOOK.replace("()", "(recipe)") + "return {}", "PluginValidationError: Plugin 'clust-signature:parts'"
    ),
    "return-type": Broken(HOOK + "return [1, 2]", "provide_losses: TypeError: it returns list, expected a mapping"),
    "exception": Broken(HOOK + "return {}['x']", "provide_losses: KeyError: 'x'"),
    "duplicate": Broken(
        LOSS.replace("NAME", "twice") + "\nclass other:\n    @staticmethod\n    @hookimpl\n"
        "    def provide_losses():\n        class Other(Hinge): '''Another.'''\n        return {'twice': Other}\n",
        "loss 'twice' is provided more than once, by the entry points parts and more",
        points="parts = MODULE\nmore = MODULE:other",
    ),
    "shadow": Broken(
        LOSS.replace("NAME", "mmd"), "loss 'mmd' is available as clust-shadow:mmd only: latentclust has one", "remarks"
    ),
    "nowhere": Broken("", "ModuleNotFoundError: No module named 'clust_nobody'", points="parts = clust_nobody:here"),
    "exit": Broken("import sys\nsys.exit(3)", "it calls sys.exit(3)"),
    "print": Broken(
        "import os\nprint('loud')\nos.write(1, b'LOUD')" + LOSS.replace("NAME", "loud"), "it printed 'loud'", "remarks"
    ),
    "slow": Broken("import time\ntime.sleep(1.1)" + LOSS.replace("NAME", "slow"), "its import took 1.", "remarks"),
    "version": Broken(
        "import os\nos._exit(9)",
        "it requires latentclust>=99, and latentclust ",
        metadata="Requires-Dist: latentclust>=99",
    ),
    "torn": Broken("import os\nos._exit(9)", "its METADATA in ", torn=True),
}


@pytest.fixture
def lay_down(distribution: Callable[..., Path]) -> Callable[[str], Path]:
    """Lays one of the twelve down; gives the folder that belongs on the path."""

    def install(name: str) -> Path:
        broken, module = TWELVE[name], f"clust_{name.replace('-', '_')}"
        points = f"[latentclust]\n{broken.points.replace('MODULE', module)}\n"
        info = distribution(f"clust-{name}", broken.source, points, broken.metadata)
        if broken.torn:  # a file that was cut short: no Version
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: clust-{name}\n")
        return info.parent

    return install


def reasons(found: dict[str, list[dict[str, str]]], name: str) -> list[str]:
    """What the list says of one of the twelve."""
    broken = TWELVE[name]
    key = {"broken": "error", "remarks": "remark"}[broken.under]
    return [one[key] for one in found[broken.under] if one["provider"] == f"clust-{name}"]


def test_there_are_twelve():
    assert len(TWELVE) == 12


@pytest.mark.parametrize("name", TWELVE)
def test_the_help_and_the_list_work_after_each(cli, lay_down, name):
    names = {part.name for part in installed().parts("loss")}
    lay_down(name)
    discovered.cache_clear()

    assert cli("--help").code == 0
    listed = cli("plugins", "list")
    assert listed.code == 0
    assert f"clust-{name} " in listed.out
    assert TWELVE[name].said in listed.out
    assert "LOUD" not in listed.out
    found = json.loads(cli("plugins", "list", "--json").out)
    assert names <= {part["name"] for part in found["parts"]}
    assert any(reason.startswith(TWELVE[name].said) for reason in reasons(found, name))
    assert all(one["entry_point"] for one in found[TWELVE[name].under])


def test_a_run_works_with_all_twelve_at_once(cli, recipe, lay_down, tmp_path):
    for name in TWELVE:
        lay_down(name)
    discovered.cache_clear()

    assert cli("--help").code == 0
    listed = cli("plugins", "list", "--json")
    found = json.loads(listed.out)
    assert [name for name in TWELVE if not any(one.startswith(TWELVE[name].said) for one in reasons(found, name))] == []
    ran = cli("run", recipe, "--out", tmp_path / "run")
    assert ran.code == 0
    assert (tmp_path / "run" / "model.safetensors").exists()
    assert "k-means" in ran.out
    assert "LOUD" not in listed.out + ran.out


def test_a_recipe_that_needs_the_broken_part_says_so(cli, lay_down):
    lay_down("exception")
    lay_down("duplicate")

    use = cli("recipe", "check", "digits-dls", "--set", "losses.mmd.use=twice")
    assert use.code == 2
    assert "plugin clust-duplicate 1.2 is broken: loss 'twice' is provided more than once" in use.err
    use = cli("recipe", "check", "digits-dls", "--set", "losses.mmd.use=clust-exception:hinge")
    assert use.code == 2
    assert "(plugin clust-exception 1.2 is broken: provide_losses: KeyError: 'x')" in use.err

"""The entry point: light help, version, and how errors reach the user."""

import json
import subprocess
import sys

import pytest

from latentclust import __version__
from latentclust.cli.terminal import expand_home

COMMANDS = (
    "run",
    "evaluate",
    "evaluate-generator",
    "predict",
    "label",
    "change",
    "accuracy",
    "clusters",
    "sample",
    "compare",
    "recipe",
    "plugins",
    "data",
)

HELP_PAGES = [
    [],
    *[[name] for name in COMMANDS],
    *[["recipe", name] for name in ("check", "show", "list", "new")],
    *[["plugins", name] for name in ("list", "show")],
    *[["clusters", name] for name in ("preview", "name", "apply")],
    *[["data", name] for name in ("list", "fetch", "inspect")],
]

PROBE = """
import json, sys
from latentclust.cli.main import main
for page in json.loads(sys.argv[1]):
    try:
        main([*page, "--help"])
    except SystemExit as exit_:
        assert not exit_.code
heavy = {"albumentations", "lightning_fabric", "matplotlib", "numpy", "pandas", "pluggy", "rasterio",
         "scipy", "sklearn", "timm", "torch", "torchvision"}  # pydantic: typer imports it, to read options
light = {"latentclust.cli", "latentclust.errors", "latentclust.plugins", "latentclust.plugins.distributions",
         "latentclust.stopping", "latentclust.train", "latentclust.train.rank",
         "latentclust.cluster_number", "latentclust.cluster_number.defaults",
         "latentclust.labelling", "latentclust.labelling.label_options",  # declared once, for the pages that list them
         "latentclust.labelling.option_model", "latentclust.labelling.scene_options"}
own = {name for name in sys.modules if name.startswith("latentclust.") and not name.startswith("latentclust.cli.")}
print("\\n" + json.dumps(sorted(heavy & set(sys.modules) | own - light)))
"""


def test_no_help_page_imports_anything_heavy_or_any_plugin():
    command = [sys.executable, "-c", PROBE, json.dumps(HELP_PAGES)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(found.stdout.splitlines()[-1]) == []


def test_the_help_names_every_command(cli):
    outcome = cli("--help")

    assert outcome.code == 0
    assert all(f" {name} " in outcome.out for name in COMMANDS)


def test_version(cli):
    assert cli("--version").out == f"latentclust {__version__}\n"


@pytest.mark.parametrize("words", [["run", "--nonsense"], ["nonsense"], ["predict"], ["run", "x", "--seeds", "0"]])
def test_a_wrong_command_line_is_the_users_mistake(cli, words):
    outcome = cli(*words)

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err != ""


def test_a_mistake_is_one_line_on_standard_error(cli, tmp_path):
    outcome = cli("evaluate", tmp_path / "absent")

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err == f"error: {tmp_path / 'absent'}: the model file does not exist. Check the path.\n"


@pytest.mark.parametrize("words", [["--debug", "run"], ["run", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(cli, words):
    outcome = cli(*words)

    assert outcome.code == 2
    assert outcome.err.startswith("Traceback")
    assert outcome.err.splitlines()[-1].startswith("error: run: neither a recipe nor a run to resume was given")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("~/x", "/home/me/x"),
        ("--out=~/x", "--out=/home/me/x"),
        ("a~/x", "a~/x"),
        ("--set", "--set"),
        ("data.path=~/x", "data.path=~/x"),
        ("https://a/~/x", "https://a/~/x"),
    ],
)
def test_the_home_folder_is_expanded_where_a_shell_does_not(
    given: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home(given) == expected

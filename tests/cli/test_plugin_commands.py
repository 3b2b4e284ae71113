"""Commands of plugins: listed without being imported, loaded when invoked, and unable to disturb any other."""

import json
import subprocess
import sys

import pytest

from latentclust.cli.command_group import HEADING

SOURCE = '''
import typer

from latentclust.api import LatentclustError

print("an import that prints")


def greet(name: str, times: int = 1) -> None:
    """Greets."""
    print(name * times)


def refuse() -> None:
    """Refuses."""
    raise LatentclustError.at("refuse", "is given", "Give something else")


def fail() -> None:
    """Fails."""
    raise ValueError("seven")


def leave() -> None:
    """Leaves with a code of its own."""
    raise SystemExit(7)


def stop() -> None:
    """Is stopped."""
    raise KeyboardInterrupt


one = typer.Typer()


@one.command()
def only() -> None:
    """The only one."""
    print("only")


several = typer.Typer()
several.command()(greet)
several.command()(only)

nothing = typer.Typer()
seven = 7
'''


def points(*lines: str) -> str:
    return "[latentclust.commands]\n" + "\n".join(lines) + "\n"


GREET = points("greet = clust_greet:greet")


def test_the_help_lists_commands_by_their_distributions_without_importing_them(cli, distribution):
    distribution("clust-greet", "import os; os._exit(1)", GREET, "Summary: Greets [/red] whom [you name")
    distribution("clust-dumb", "", points("mumble = clust_dumb:x"))

    outcome = cli("--help")
    _, _, below = outcome.out.replace("│", " ").partition(HEADING)
    assert outcome.code == 0
    assert "greet Greets [/red] whom [you name (clust-greet) mumble (clust-dumb)" in " ".join(below.split())


def test_without_plugins_there_is_no_heading(cli, monkeypatch):
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")

    assert HEADING not in cli("--help").out


def test_a_function_is_a_command(cli, distribution):
    distribution("clust-greet", SOURCE, GREET)

    outcome = cli("greet", "you", "--times", 2)
    assert (outcome.code, outcome.out) == (0, "youyou\n")
    told = cli("greet", "--help")
    assert told.code == 0
    assert "Usage: latentclust greet [OPTIONS]" in told.out
    assert "Greets." in told.out
    assert cli("greet").code == 2


def test_a_typer_app_is_a_command_or_a_group(cli, distribution):
    distribution("clust-greet", SOURCE, points("one = clust_greet:one", "several = clust_greet:several"))

    assert cli("one").out == "only\n"
    assert "--install-completion" not in cli("one", "--help").out
    assert cli("several", "greet", "you").out == "you\n"
    assert cli("several", "nonsense").code == 2


CLICK = """
import click

@click.command()
@click.argument("number", type=int)
def double(number):
    '''Doubles.'''
    click.echo(2 * number)

@click.group()
def both():
    '''Two.'''

both.add_command(double)
"""


def test_a_click_command_is_a_command(cli, distribution):
    pytest.importorskip("click")
    distribution("clust-click", CLICK, points("double = clust_click:double", "both = clust_click:both"))

    assert cli("double", 4).out == "8\n"
    assert cli("both", "double", 4).out == "8\n"
    outcome = cli("double", "four")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'four' is not a valid integer" in outcome.err


def test_how_a_command_ends_is_how_ours_do(cli, distribution):
    names = ("refuse", "fail", "leave", "stop")
    distribution("clust-greet", SOURCE, points(*(f"{name} = clust_greet:{name}" for name in names)))

    refused = cli("refuse")
    assert (refused.code, refused.err) == (2, "error: refuse: is given. Give something else.\n")
    failed = cli("fail")
    assert failed.code == 1
    assert failed.err.startswith("error: internal error: a bug in clust-greet 1.2 (ValueError: seven). Run again with")
    assert failed.err.rstrip().endswith("to the authors of clust-greet 1.2.")
    assert cli("leave").code == 7
    assert cli("stop").code in (1, 130)  # as the installed typer ends it
    assert "Traceback" in cli("fail", "--debug").err


@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        ("clust_greet:greet", "import does_not_exist", "ModuleNotFoundError: No module named 'does_not_exist'"),
        ("clust_greet:nowhere", SOURCE, "AttributeError: module 'clust_greet' has no attribute 'nowhere'"),
        ("nowhere:greet", SOURCE, "ModuleNotFoundError: No module named 'nowhere'"),
        ("clust_greet:greet", "raise SystemExit(3)", "it calls sys.exit(3)"),
        ("clust_greet:seven", SOURCE, "TypeError: int is not a typer app, click command or function"),
        ("clust_greet:nothing", SOURCE, "RuntimeError: "),
    ],
)
def test_a_command_that_cannot_be_loaded_says_whose_it_is_and_why(cli, distribution, value, source, reason):
    distribution("clust-greet", source, points(f"greet = {value}"))

    outcome = cli("greet", "you")
    assert (outcome.code, outcome.out) == (1, "")
    told = f"error: command greet: cannot be loaded from clust-greet 1.2: {reason}"
    assert outcome.err.startswith(told)
    assert cli("--help").code == 0
    (broken,) = json.loads(cli("plugins", "list", "command", "--json").out)["broken"]
    assert (broken["provider"], broken["entry_point"]) == ("clust-greet", "greet")
    assert broken["error"].startswith(f"command 'greet': {reason}")


def test_a_command_of_a_plugin_that_does_not_suit_is_refused_before_it_is_imported(cli, distribution):
    distribution("clust-greet", "import os; os._exit(1)", GREET, "Requires-Dist: latentclust>=99")

    outcome = cli("greet")
    assert outcome.code == 1
    assert "it requires latentclust>=99, and latentclust " in outcome.err


def test_a_built_in_command_keeps_its_name(cli, distribution):
    distribution("clust-greet", SOURCE, points("recipe = clust_greet:greet"))

    assert "check" in cli("recipe", "--help").out
    assert cli("clust-greet:recipe", "you").out == "you\n"
    assert "clust-greet:recipe" in cli("--help").out
    told = "command 'recipe' is available as clust-greet:recipe only: latentclust has one of that name"
    assert told in cli("plugins", "list", "command").out


def test_two_plugins_with_one_name_must_be_distinguished(cli, distribution):
    distribution("clust-greet", SOURCE, GREET)
    distribution("clust-other", "def greet() -> None: print('other')", points("greet = clust_other:greet"))

    refused = cli("greet", "you")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "error: command greet: clust-greet 1.2 and clust-other 1.2 have a command of that name. "
        "Write clust-greet:greet or clust-other:greet to choose.\n"
    )
    assert cli("clust-greet:greet", "you").out == "you\n"
    assert cli("clust-other:greet").out == "other\n"
    assert {"clust-greet:greet", "clust-other:greet"} <= set(cli("--help").out.split())
    assert cli("plugins", "list", "command").out.count("each have one of that name") == 2


def test_a_misnamed_command_is_listed_and_not_offered(cli, distribution):
    distribution("clust-greet", SOURCE, points("greet me = clust_greet:greet", "a:b = clust_greet:greet"))

    assert HEADING not in cli("--help").out
    found = json.loads(cli("plugins", "list", "command", "--json").out)
    assert [one["error"].partition(":")[0] for one in found["broken"] if one["entry_point"] == "greet me"] == [
        "'greet me' is not a valid name of a command"
    ]
    assert len(found["broken"]) == 2


def test_a_command_of_what_is_left_out_says_so(cli, distribution, monkeypatch):
    distribution("clust-greet", SOURCE, GREET)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")

    outcome = cli("greet", "you")
    assert outcome.code == 2
    told = "error: command greet: is provided by clust-greet 1.2, which LATENTCLUST_PLUGINS excludes. "
    assert outcome.err == f"{told}Unset LATENTCLUST_PLUGINS, or add clust-greet to it.\n"
    assert cli("nonsense").code == 2


def test_a_command_is_shown(cli, distribution):
    distribution("clust-greet", SOURCE, GREET, "Summary: Greets")

    (found,) = json.loads(cli("plugins", "show", "greet", "--json").out)
    assert (found["kind"], found["provider"], found["error"]) == ("command", "clust-greet", "")
    assert found["remarks"] == ["it printed 'an import that prints', which was kept from standard output"]


PROBE = """
import json, sys
from latentclust.cli.main import main
try:
    main(["--help"])
except SystemExit as exit_:
    assert not exit_.code
print("\\n" + json.dumps(sorted({"clust_greet", "importlib.metadata", "packaging", "pluggy"} & set(sys.modules))))
"""


@pytest.mark.parametrize(("listed", "imported"), [(GREET, ["importlib.metadata"]), ("[other]\nx = y\n", [])])
def test_what_the_help_imports_to_list_commands(distribution, listed, imported):
    site = distribution("clust-greet", SOURCE, listed).parent
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n{PROBE}"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout.splitlines()[-1]) == imported


def test_the_package_is_run_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "latentclust", "frobnicate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "frobnicate" in done.stderr

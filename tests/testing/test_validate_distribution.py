"""Findings about a distribution, by `validate_distribution` and as a parametrised test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.plugins.registry import discovered, installed
from latentclust.testing import command_checks, conformance, validate_distribution
from latentclust.testing.validation_report import Finding, ValidationReport

GOOD = '''
"""A loss and a metric (Nobody 1999)."""

from latentclust.api import Code, LossSpec, MetricSpec, Scalar, hookimpl


class Mean(LossSpec):
    """The mean of the squared logits."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.float().square().mean())


class Half(MetricSpec):
    """Always a half."""

    def __call__(self, table) -> float:
        return 0.5


@hookimpl
def provide_losses():
    return {"mean-square": Mean}


@hookimpl
def provide_metrics():
    return {"half": Half}
'''

Install = Callable[..., Path]


def test_a_good_distribution(distribution: Install):
    distribution("latentclust-good", GOOD)
    found = validate_distribution("Latentclust_Good", installed())
    assert found.findings == ()
    assert (found.distribution, found.version, found.parts, found.skipped) == ("latentclust-good", "1.2", 2, 0)
    assert found.passed > 20


def test_findings_are_reported_part_by_part(distribution: Install):
    spoilt = GOOD.replace(".float().square().mean()", "[0]").replace("return 0.5", "raise ZeroDivisionError('no')")
    distribution("latentclust-spoilt", spoilt)
    found = validate_distribution("latentclust-spoilt", installed()).findings
    assert Finding("metric half", "is-a-number", "it raised ZeroDivisionError: no") in found
    assert Finding("loss mean-square", "is-a-finite-scalar", "the term has shape (3,), expected ()") in found


def test_a_plugin_that_does_not_load_is_a_finding(distribution: Install):
    distribution("latentclust-broken", "import nothing_of_the_kind")
    (finding,) = validate_distribution("latentclust-broken", installed()).findings
    assert (finding.part, finding.check) == ("", "loads")
    assert "No module named 'nothing_of_the_kind'" in finding.reason


def test_a_part_that_is_left_out_is_a_finding(distribution: Install):
    distribution("latentclust-half-broken", GOOD.replace('{"half": Half}', '{"half": Half, "other": 3}'))
    found = validate_distribution("latentclust-half-broken", installed())
    assert [(finding.part, finding.check) for finding in found.findings] == [("metric other", "loads")]
    assert found.parts == 2


def test_a_part_whose_extra_is_not_installed_is_not_asked(distribution: Install):
    needy = """raise LatentclustError.at("metric", "scipy is missing", "Run pip install 'latentclust-needy[all]'")"""
    source = GOOD.replace("return 0.5", needy).replace("import Code", "import Code, LatentclustError")
    distribution("latentclust-needy", source)
    found = validate_distribution("latentclust-needy", installed())
    assert (found.findings, found.skipped) == ((), 2)


def test_a_part_that_exits_or_prints(distribution: Install, capsys: pytest.CaptureFixture[str]):
    distribution("latentclust-leaving", GOOD.replace("return 0.5", "print('hello'); raise SystemExit(0)"))
    found = validate_distribution("latentclust-leaving", installed())
    assert Finding("metric half", "is-a-number", "it calls sys.exit(0)") in found.findings
    assert capsys.readouterr().out == ""


def test_a_distribution_that_provides_nothing_is_an_error(distribution: Install):
    distribution(
        "latentclust-empty", GOOD.replace('return {"half": Half}', "return {}").replace('{"mean-square": Mean}', "{}")
    )
    with pytest.raises(LatentclustError, match="latentclust-empty provides nothing"):
        validate_distribution("latentclust-empty", installed())


def test_what_is_not_there_is_an_error():
    with pytest.raises(LatentclustError, match="distribution 'latentclust-nothing' is not installed"):
        validate_distribution("latentclust-nothing", installed())
    with pytest.raises(LatentclustError, match="numpy is not a plugin"):
        validate_distribution("numpy", installed())


def test_what_is_left_out_is_an_error(distribution: Install, monkeypatch: pytest.MonkeyPatch):
    distribution("latentclust-good", GOOD)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")
    discovered.cache_clear()
    with pytest.raises(LatentclustError, match="LATENTCLUST_PLUGINS excludes latentclust-good"):
        validate_distribution("latentclust-good", installed())


# As a test


def cases(test: Callable[[object], None]) -> dict[str, object]:
    """The values of a parametrised test, by the names of their cases."""
    (mark,) = test.pytestmark  # type: ignore[attr-defined]
    _, parameters = mark.args
    return {parameter.id: parameter.values[0] for parameter in parameters}


def test_each_check_of_each_part_is_a_case(distribution: Install):
    distribution("latentclust-good", GOOD)
    test = conformance("latentclust-good")
    found = cases(test)
    assert {"loss-mean-square-runs-in-bf16", "metric-half-is-a-number"} <= set(found)
    for case in found.values():
        test(case)


def test_a_case_fails_where_its_check_does(distribution: Install):
    distribution("latentclust-spoilt", GOOD.replace("return 0.5", "return 1"))
    test = conformance("latentclust-spoilt")
    with pytest.raises(AssertionError, match="it returns int, expected float"):
        test(cases(test)["metric-half-is-a-number"])


def test_a_plugin_that_does_not_load_is_a_case_that_fails(distribution: Install):
    distribution("latentclust-broken", "import nothing_of_the_kind")
    test = conformance("latentclust-broken")
    ((name, case),) = cases(test).items()
    assert name == "parts-loads"
    with pytest.raises(AssertionError, match="it cannot be loaded: ModuleNotFoundError"):
        test(case)


# Commands

COMMAND = '''
def greet() -> None:
    """Print a greeting."""
    print("hello")
'''

SILENT = """
import sys

from typer.core import TyperCommand


class Silent(TyperCommand):
    def main(self, *arguments, **options):
        sys.exit(2)


greet = Silent("greet")
"""

POINTS = "[latentclust.commands]\ngreet = latentclust_greeter:greet\n"


def reasons(found: ValidationReport) -> dict[str, str]:
    return {finding.check: finding.reason for finding in found.findings}


def test_a_good_command(distribution: Install):
    distribution("latentclust-greeter", COMMAND, points=POINTS, metadata="Summary: It greets.")
    found = validate_distribution("latentclust-greeter", installed())
    assert found.findings == ()
    assert (found.parts, found.passed) == (1, 3)


def test_a_command_whose_name_is_another_ones_is_asked_by_its_full_name(distribution: Install):
    points = POINTS.replace("greet =", "run =")
    distribution("latentclust-greeter", "raise ValueError('no')", points=points, metadata="Summary: It greets.")
    assert "ends with 1" in reasons(validate_distribution("latentclust-greeter", installed()))["prints-its-help"]


def test_a_command_is_checked_for_any_exit_code_of_its_help(distribution: Install):
    points = POINTS.replace("greet =", "run =")
    distribution("latentclust-greeter", SILENT, points=points, metadata="Summary: It greets.")
    assert reasons(validate_distribution("latentclust-greeter", installed())) == {
        "prints-its-help": "its `--help` ends with 2: "
    }


def test_a_command_of_the_name_of_a_bundled_one_prints_its_own_help(distribution: Install):
    points = POINTS.replace("greet =", "run =")
    distribution("latentclust-greeter", COMMAND, points=points, metadata="Summary: It greets.")
    assert validate_distribution("latentclust-greeter", installed()).findings == ()


def test_a_command_of_a_misspelt_name_is_not_another_one(distribution: Install):
    points = POINTS.replace("greet =", "--version =")
    distribution("latentclust-greeter", COMMAND, points=points, metadata="Summary: It greets.")
    found = reasons(validate_distribution("latentclust-greeter", installed()))
    assert "No such command 'latentclust-greeter:--version'" in found["prints-its-help"]


def test_a_command_that_nobody_explains_or_can_run(distribution: Install):
    distribution("latentclust-greeter", "raise ValueError('no')", points=POINTS)
    found = reasons(validate_distribution("latentclust-greeter", installed()))
    assert found["has-a-help-line"].startswith("its distribution has no summary")
    assert "--help` ends with 1" in found["prints-its-help"]
    assert "ValueError: no" in found["prints-its-help"]


def test_a_command_that_hangs(distribution: Install, monkeypatch: pytest.MonkeyPatch):
    source = "import time\nif __name__ != '__main__':\n    time.sleep(60)\n" + COMMAND
    distribution("latentclust-greeter", source, points=POINTS, metadata="Summary: It greets.")
    monkeypatch.setattr(command_checks, "SECONDS", 2)
    found = reasons(validate_distribution("latentclust-greeter", installed()))
    assert found == {"prints-its-help": "its `--help` does not end within 2 s"}


def test_a_command_without_usage(distribution: Install, monkeypatch: pytest.MonkeyPatch):
    distribution("latentclust-greeter", COMMAND, points=POINTS, metadata="Summary: It greets.")
    monkeypatch.setattr(command_checks, "PROGRAM", "import sys; sys.exit(0)")
    found = reasons(validate_distribution("latentclust-greeter", installed()))
    assert found == {"prints-its-help": "its `--help` prints no usage"}

"""`latentclust plugins validate`."""

import json

GOOD = '''
"""A metric (Nobody 1999)."""

from latentclust.api import MetricSpec, hookimpl


class Half(MetricSpec):
    """Always a half."""

    def __call__(self, table) -> float:
        return 0.5


@hookimpl
def provide_metrics():
    return {"half": Half}
'''


def test_a_good_plugin_is_ok(cli, distribution):
    distribution("latentclust-good", GOOD)
    outcome = cli("plugins", "validate", "latentclust-good")
    assert outcome.code == 0
    assert outcome.out == "latentclust-good 1.2: 1 part, 12 checks passed: ok\n"


def test_a_failure_is_reported_with_its_part_check_and_reason(cli, distribution):
    distribution("latentclust-spoilt", GOOD.replace("return 0.5", "return 1").replace("Always a half.", "Always"))
    outcome = cli("plugins", "validate", "latentclust-spoilt")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "metric half",
        "  has-a-summary: the first line of its docstring is not a sentence: 'Always'",
        "  is-a-number: for four clusters and three classes it returns int, expected float",
        "latentclust-spoilt 1.2: 1 part, 10 checks passed: 2 failed",
    ]


def test_a_plugin_that_does_not_load_says_why(cli, distribution):
    distribution("latentclust-broken", "import nothing_of_the_kind")
    outcome = cli("plugins", "validate", "latentclust-broken")
    assert outcome.code == 1
    assert outcome.out.splitlines()[0] == "the whole plugin"
    assert "  loads: ModuleNotFoundError: No module named 'nothing_of_the_kind'" in outcome.out


def test_the_same_as_json(cli, distribution):
    distribution("latentclust-spoilt", GOOD.replace("return 0.5", "return 1"))
    outcome = cli("plugins", "validate", "latentclust-spoilt", "--json")
    assert outcome.code == 1
    found = json.loads(outcome.out)
    assert found["findings"] == [
        {
            "part": "metric half",
            "check": "is-a-number",
            "reason": "for four clusters and three classes it returns int, expected float",
        }
    ]
    assert (found["distribution"], found["version"]) == ("latentclust-spoilt", "1.2")
    assert (found["parts"], found["passed"], found["skipped"]) == (1, 11, 0)


def test_a_plugin_that_is_not_there(cli):
    outcome = cli("plugins", "validate", "latentclust-nothing")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: DIST: distribution 'latentclust-nothing' is not installed.")

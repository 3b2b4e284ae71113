"""Discovery: what loads, what is broken and why, and that one never disturbs the other."""

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

from latentclust.plugins import BUNDLED, Discovery, Provider, discover
from latentclust.registry import Registry

Install = Callable[[str, str], None]

GOOD = """
    from latentclust.api import LossSpec, Scalar, Scores, hookimpl


    class Hinge(LossSpec):
        '''The hinge. Second line.'''

        margin: float = 1.0

        def __call__(self, score_of_fake: Scores) -> Scalar:
            return Scalar((self.margin - score_of_fake).relu().mean())


    @hookimpl
    def provide_losses():
        return {"hinge": Hinge}
"""


def broken(registry: Registry) -> dict[str, str]:
    return {item.provider.distribution: item.error for item in registry.broken}


def test_the_bundled_parts_come_through_an_entry_point_like_anyones() -> None:
    discovery = discover()
    assert not discovery.broken
    bundled = [provision for provision in discovery.provisions if provision.provider.distribution == BUNDLED]
    assert {provision.hook for provision in bundled} == {
        "provide_backbones",
        "provide_baselines",
        "provide_datasets",
        "provide_inferences",
        "provide_losses",
        "provide_metrics",
        "provide_priors",
        "provide_quantities",
        "provide_systems",
        "provide_views",
    }


def test_nothing_installed_is_nothing_found() -> None:
    assert discover(()) == Discovery((), ())


def test_a_distribution_on_the_path_is_found_with_its_provenance(distribution: Install) -> None:
    distribution("clust-hinge", GOOD)
    registry = Registry(discover())
    part = registry.find("loss", "hinge", "here")
    assert part.provider == Provider("clust-hinge", "1.2", "parts")
    assert str(part.provider) == "clust-hinge 1.2"
    assert part.qualified == "clust-hinge:hinge"
    assert part.summary == "The hinge. Second line."
    assert registry.providers()["clust-hinge"] == part.provider


def test_an_entry_point_listed_twice_is_one_plugin() -> None:
    points = tuple(entry_points(group="latentclust"))
    assert discover((*points, *points)) == discover(points)


def test_a_provider_of_unknown_version_is_its_name() -> None:
    assert str(Provider("third", "", "parts")) == "third"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import does_not_exist_at_all", "ModuleNotFoundError: No module named 'does_not_exist_at_all'"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("def broken(:", "SyntaxError"),
        (
            "from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(recipe): return {}",
            "PluginValidationError: Plugin 'clust-bad:parts' for hook 'provide_losses'",
        ),
        (
            "from latentclust.api import hookimpl\n@hookimpl\ndef provide_loses(): return {}",
            "PluginValidationError: unknown hook 'provide_loses'",
        ),
        ("from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): return 1 / 0", "ZeroDivisionError"),
        ("from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): return 3", "TypeError"),
    ],
    ids=["missing import", "raises", "syntax", "signature", "unknown hook", "hook raises", "no mapping"],
)
def test_a_broken_plugin_is_recorded_and_the_others_work(distribution: Install, source: str, error: str) -> None:
    distribution("clust-bad", source)
    distribution("clust-hinge", GOOD)
    registry = Registry(discover())
    assert list(broken(registry)) == ["clust-bad"]
    assert broken(registry)["clust-bad"].startswith(error)
    assert registry.find("loss", "hinge", "here").provider.distribution == "clust-hinge"
    assert registry.find("loss", "mmd", "here").provider.distribution == BUNDLED


WRONG = """
    from latentclust.api import BaselineSpec, LossSpec, MetricSpec, hookimpl


    class Silent(LossSpec):
        '''No call.'''


    class Lost(LossSpec):
        '''Names a type that there is not.'''

        def __call__(self, code: "Kode"):
            ...


    class Half(MetricSpec):
        '''Abstract.'''


    class Fine(BaselineSpec):
        '''Whole.'''

        def cluster(self, points, clusters, seed):
            ...


    @hookimpl
    def provide_losses():
        return {"function": max, "silent": Silent, "lost": Lost, "metric": Half}


    @hookimpl
    def provide_metrics():
        return {"half": Half}


    @hookimpl
    def provide_quantities():
        return {"seven": 7}


    @hookimpl
    def provide_systems():
        return {"mine@1": "mine.toml"}


    @hookimpl
    def provide_baselines():
        return {"fine": Fine}
"""


def test_a_provision_of_the_wrong_type_is_refused_with_the_reason(distribution: Install) -> None:
    distribution("clust-wrong", WRONG)
    registry = Registry(discover())
    assert {item.error for item in registry.broken} == {
        "provide_losses: function is no LossSpec; silent lacks __call__; "
        "lost has annotations that do not resolve (NameError: name 'Kode' is not defined); metric is no LossSpec",
        "provide_metrics: half lacks __call__",
        "provide_quantities: seven is no function",
        "provide_systems: mine@1 is no file",
    }
    assert registry.find("baseline", "fine", "here").provider.distribution == "clust-wrong"

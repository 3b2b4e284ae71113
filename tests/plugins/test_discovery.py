"""Discovery: loaded and broken plugins, the reasons, and that a broken plugin never affects another."""

import logging
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from latentclust.errors import LatentclustError
from latentclust.plugins import discovery, hookspecs
from latentclust.plugins.discovery import BUNDLED, Discovery, Provider, discover
from latentclust.plugins.distributions import Scan, scan_distributions
from latentclust.plugins.hookspecs import hookspec
from latentclust.plugins.registry import Registry, installed
from latentclust.specs.parts import LossSpec

Install = Callable[..., Path]

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
        "provide_starts",
        "provide_systems",
        "provide_tables",
        "provide_views",
    }


def test_nothing_installed_is_nothing_found() -> None:
    assert discover(Scan()) == Discovery((), ())


def test_a_distribution_on_the_path_is_found_with_its_provenance(distribution: Install) -> None:
    distribution("clust-hinge", GOOD)
    registry = Registry(discover())
    part = registry.find("loss", "hinge", "here")
    assert part.provider == Provider("clust-hinge", "1.2", "parts")
    assert str(part.provider) == "clust-hinge 1.2"
    assert part.qualified == "clust-hinge:hinge"
    assert part.summary == "The hinge. Second line."
    assert registry.providers()["clust-hinge"] == part.provider


def test_loaded_distributions_are_reported_with_their_import_times() -> None:
    found = discover(Scan(scan_distributions().used[:1])).loaded
    assert [(one.provider.distribution, one.provider.entry_point) for one in found] == [(BUNDLED, "bundled")]
    assert found[0].seconds > 0


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
        (
            "from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): return 1 / 0",
            "provide_losses: ZeroDiv",
        ),
        (
            "from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): return 3",
            "provide_losses: TypeError: it returns int, expected a mapping from names to parts",
        ),
        (
            "from latentclust.api import hookimpl\n@hookimpl\ndef provide_losses(): raise SystemExit(4)",
            "provide_losses: it calls sys.exit(4)",
        ),
        ("def provide_losses(): return {}", "clust_bad implements no hook: mark its functions with @hookimpl"),
        ("import sys\nsys.exit('no licence')", "it calls sys.exit(no licence)"),
        ("class Odd(BaseException): pass\nraise Odd('no Exception')", "Odd: no Exception"),
    ],
    ids=[
        "missing import",
        "raises",
        "syntax",
        "signature",
        "unknown hook",
        "hook raises",
        "no mapping",
        "hook exits",
        "no hook",
        "exits",
        "base exception",
    ],
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


def test_a_part_of_the_wrong_type_is_refused_with_the_reason_and_the_others_are_not(distribution: Install) -> None:
    distribution("clust-wrong", WRONG)
    registry = Registry(discover())
    assert {item.error for item in registry.broken} == {
        "loss 'function' is not a LossSpec",
        "loss 'silent' does not define __call__",
        "loss 'lost' has annotations that do not resolve (NameError: name 'Kode' is not defined)",
        "loss 'metric' is not a LossSpec",
        "metric 'half' does not define __call__",
        "quantity 'seven' is not a function or a QuantitySpec",
        "system 'mine@1' is not a file",
    }
    assert ("loss", "lost") in {(item.kind, item.name) for item in registry.broken}
    assert registry.find("baseline", "fine", "here").provider.distribution == "clust-wrong"
    with pytest.raises(
        LatentclustError, match=r"plugin clust-wrong 1\.2 is broken: loss 'silent' does not define __call__\. Fix"
    ):
        registry.find("loss", "silent", "losses.x.use")


def test_a_hook_that_fails_leaves_the_others_of_its_plugin(distribution: Install) -> None:
    distribution(
        "clust-half", GOOD + "\n\n    @hookimpl\n    def provide_metrics():\n        raise RuntimeError('no')\n"
    )
    registry = Registry(discover())
    assert broken(registry) == {"clust-half": "provide_metrics: RuntimeError: no"}
    assert registry.find("loss", "hinge", "here").provider.distribution == "clust-half"


@pytest.mark.parametrize("requirement", ["latentclust>=99", "latentclust>=banana"])
def test_a_plugin_that_does_not_suit_is_refused_before_it_is_imported(distribution: Install, requirement: str) -> None:
    distribution("clust-late", "import os; os._exit(1)", metadata=f"Requires-Dist: {requirement}")
    reason = broken(Registry(discover()))["clust-late"]
    assert requirement in reason


def test_a_damaged_distribution_is_listed_and_not_imported(distribution: Install) -> None:
    info = distribution("clust-torn", "import os; os._exit(1)")
    (info / "METADATA").write_text("Name: clust-torn\n")
    (distribution("clust-rent", "import os; os._exit(1)") / "entry_points.txt").write_bytes(b"\xff")
    found = {item.provider.distribution: item for item in Registry(discover()).broken}
    assert found["clust-torn"].provider == Provider("clust-torn", "", "parts")
    assert found["clust-rent"].provider == Provider("clust-rent", "1.2", "")


def test_ctrl_c_ends_discovery(distribution: Install) -> None:
    distribution("clust-stop", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover()


def remarks(registry: Registry) -> list[str]:
    return [remark.text for remark in registry.remarks]


def test_what_a_plugin_does_on_import_is_remarked_on(distribution: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentclust.plugins.discovery.SLOW_IMPORT_SECONDS", 0.01)
    noisy = "import time, warnings\n    print('hello')\n    warnings.warn = print\n    time.sleep(0.02)\n"
    distribution("clust-loud", f"    {noisy}{GOOD}")
    registry = Registry(discover())
    assert registry.broken == ()
    assert registry.find("loss", "hinge", "here").provider.distribution == "clust-loud"
    printed, replaced, slow = remarks(registry)
    assert printed == "it printed 'hello', which was kept from standard output"
    assert replaced == "it replaced warnings.warn, which was restored"
    assert slow.startswith("its import took 0.")


def test_parts_that_do_not_answer_to_their_name_are_remarked_on(distribution: Install) -> None:
    distribution("clust-one", GOOD.replace('{"hinge"', '{"mmd": Hinge, "hinge"'))
    distribution("clust-two", GOOD)
    both = "clust-one and clust-two each have one of that name"
    assert remarks(Registry(discover())) == [
        "loss 'mmd' is available as clust-one:mmd only: latentclust has one of that name",
        f"loss 'hinge' is available as clust-one:hinge only: {both}",
        f"loss 'hinge' is available as clust-two:hinge only: {both}",
    ]


def test_a_name_that_a_distribution_provides_twice_is_refused(distribution: Install) -> None:
    distribution(
        "clust-other", GOOD.replace('{"hinge": Hinge}', '{"hinge": Hinge, "alone": Hinge}'), points="[x]\na = b\n"
    )
    points = "[latentclust]\nfirst = clust_twice\nsecond = clust_other\nthird = clust_other\n"
    distribution("clust-twice", GOOD, points=points)
    registry = Registry(discover())
    assert {item.error for item in registry.broken} == {
        "loss 'hinge' is provided more than once, by the entry points first and second and third"
    }
    assert registry.find("loss", "alone", "here").provider.entry_point == "second"  # the very same, twice
    with pytest.raises(LatentclustError, match="is provided more than once"):
        registry.find("loss", "clust-twice:hinge", "here")


def test_what_the_variable_excludes_is_not_imported_and_is_reported(
    distribution: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution("clust-out", "import os; os._exit(1)")
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "off")
    registry = Registry(discover())
    assert "clust-out" in {one.name for one in registry.excluded}
    with pytest.raises(LatentclustError, match=r"LATENTCLUST_PLUGINS excludes .*clust-out 1\.2"):
        registry.find("loss", "hinge", "losses.x.use")


def test_a_name_in_the_variable_that_nobody_has_is_an_alert(
    distribution: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    distribution("clust-hinge", GOOD)
    monkeypatch.setenv("LATENTCLUST_PLUGINS", "clust-hinge,clust-hinch")
    with caplog.at_level(logging.WARNING):
        registry = installed()
    assert registry.find("loss", "hinge", "here").provider.distribution == "clust-hinge"
    assert caplog.messages == ["LATENTCLUST_PLUGINS names 'clust-hinch', but no installed plugin has that name"]


@hookspec(warn_on_impl_args={"recipe": DeprecationWarning("provide_losses: `recipe` goes away in 0.3; leave it out")})
def provide_losses(recipe: str) -> Mapping[str, type[LossSpec]]:  # type: ignore[empty-body]
    """With an argument that is to go."""


@hookspec(warn_on_impl=DeprecationWarning("provide_rivals is provide_baselines now"))
def provide_rivals() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """A hook that is to go."""


def test_a_deprecated_argument_warns_in_one_line_and_works(
    distribution: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hookspecs, "provide_losses", provide_losses)
    monkeypatch.setattr(discovery, "_call", partial(discovery._call, recipe="a recipe"))
    distribution("clust-new", GOOD.replace("hinge", "new"))
    distribution("clust-old", GOOD.replace("provide_losses()", "provide_losses(recipe)"))
    with caplog.at_level(logging.WARNING):
        registry = installed()  # no warning is raised, though warnings are errors here
    (line,) = caplog.messages
    told = "plugin clust-old 1.2: provide_losses: `recipe` goes away in 0.3; leave it out ("
    assert line.startswith(told)
    assert line.endswith("clust_old.py:14)")
    assert registry.broken == ()
    assert registry.find("loss", "hinge", "here").provider.distribution == "clust-old"
    assert registry.find("loss", "new", "here").provider.distribution == "clust-new"


def test_a_deprecated_hook_warns_in_one_line(
    distribution: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hookspecs, "provide_rivals", provide_rivals, raising=False)
    distribution("clust-old", GOOD + "\n\n    @hookimpl\n    def provide_rivals():\n        return {}\n")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("ignore")
        assert installed().broken == ()
    (line,) = caplog.messages
    assert line.startswith("plugin clust-old 1.2: provide_rivals is provide_baselines now (")

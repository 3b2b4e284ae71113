"""Names of parts: precedence, ambiguous names, and suggestions."""

from collections.abc import Callable

import pytest

from latentclust.bundled.losses.mmd import Mmd
from latentclust.errors import LatentclustError
from latentclust.plugins.discovery import BUNDLED, BrokenPlugin, Discovery, ProvidedParts, Provider
from latentclust.plugins.registry import KINDS, Registry
from latentclust.specs.parts import LossSpec
from latentclust.tensors import Scalar, Scores


class First(LossSpec):
    """One."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        """Itself."""
        return Scalar(score_of_fake.mean())


class Second(First):
    """Another."""


PLUGINS_ONLY = {"table", "start"}
"""Kinds of which latentclust ships no part."""


def provided(distribution: str, **parts: type[LossSpec]) -> ProvidedParts:
    names = {name.replace("_", "-"): part for name, part in parts.items()}
    return ProvidedParts(Provider(distribution, "1.0", "parts"), "provide_losses", names)


@pytest.fixture
def found() -> Callable[..., Registry]:
    return lambda *provisions, broken=(): Registry(Discovery(provisions, broken))


def test_a_bundled_name_wins_its_bare_name_and_the_other_answers_to_its_full_name(
    found: Callable[..., Registry],
) -> None:
    registry = found(provided("third", mmd=First), provided(BUNDLED, mmd=Mmd))
    assert registry.find("loss", "mmd", "here").value is Mmd
    assert registry.find("loss", "latentclust:mmd", "here").value is Mmd
    assert registry.find("loss", "third:mmd", "here").value is First
    assert [part.qualified for part in registry.parts("loss")] == ["third:mmd", "latentclust:mmd"]


def test_two_third_party_parts_with_one_name_must_be_distinguished(found: Callable[..., Registry]) -> None:
    registry = found(provided("one", hinge=First), provided("two", hinge=Second))
    assert registry.find("loss", "one:hinge", "here").value is First
    assert registry.find("loss", "two:hinge", "here").value is Second
    with pytest.raises(LatentclustError) as caught:
        registry.find("loss", "hinge", "losses.x.use")
    (issue,) = caught.value.issues
    assert issue.where == "losses.x.use"
    assert issue.what == "two plugins provide a loss named 'hinge'"
    assert issue.fix == "Select one by its full name: one:hinge or two:hinge"


def test_an_unknown_name_is_met_with_the_closest(found: Callable[..., Registry]) -> None:
    registry = found(provided(BUNDLED, category_recovery=First, mmd=Mmd))
    with pytest.raises(LatentclustError, match=r"unknown loss 'catgory-recovery'\. Did you mean 'category-r"):
        registry.find("loss", "catgory-recovery", "here")
    with pytest.raises(LatentclustError, match="unknown loss 'other:mmd'"):
        registry.find("loss", "other:mmd", "here")
    with pytest.raises(LatentclustError, match="None is installed"):
        registry.find("prior", "mmd", "here")


def test_an_unknown_name_may_be_that_of_a_broken_plugin(found: Callable[..., Registry]) -> None:
    lost = BrokenPlugin(Provider("third", "2.0", "parts"), "ImportError: no rasterio")
    registry = found(provided(BUNDLED, mmd=Mmd), broken=(lost,))
    with pytest.raises(LatentclustError, match=r"plugin third 2\.0 is broken: ImportError: no rasterio"):
        registry.find("loss", "hinge", "here")


def test_only_the_broken_plugins_that_may_be_meant_are_named(found: Callable[..., Registry]) -> None:
    lost = [BrokenPlugin(Provider(f"clust-{name}", "1", "parts"), f"ImportError: {name}") for name in "abcde"]
    part = BrokenPlugin(Provider("clust-f", "1", "parts"), "loss 'other' does not define __call__", "loss", "other")
    registry = found(provided(BUNDLED, mmd=Mmd), broken=(*lost, part))
    with pytest.raises(LatentclustError) as caught:
        registry.find("loss", "hinge", "here")
    assert caught.value.issues[0].fix.endswith(
        " (plugin clust-a 1 is broken: ImportError: a) (plugin clust-b 1 is broken: ImportError: b)"
        " (plugin clust-c 1 is broken: ImportError: c) (also broken: clust-d 1, clust-e 1)"
    )
    with pytest.raises(LatentclustError) as caught:
        registry.find("loss", "Clust_D:hinge", "here")
    assert caught.value.issues[0].fix.endswith("lists them (plugin clust-d 1 is broken: ImportError: d)")
    for name in ("other", "clust-f:other"):
        with pytest.raises(LatentclustError, match="plugin clust-f 1 is broken: loss 'other' does not define __call__"):
            registry.find("loss", name, "here")


def test_three_third_parties_are_counted(found: Callable[..., Registry]) -> None:
    registry = found(*(provided(name, hinge=First) for name in ("one", "two", "three")))
    with pytest.raises(LatentclustError, match="3 plugins provide a loss named 'hinge'"):
        registry.find("loss", "hinge", "here")


def test_a_distribution_is_named_in_any_spelling(found: Callable[..., Registry]) -> None:
    registry = found(provided("Third_Party", mmd=First), provided(BUNDLED, mmd=Mmd))
    part = registry.find("loss", "third-party:mmd", "here")
    assert part.value is First
    assert registry.recipe_name(part) == "Third_Party:mmd"
    assert registry.recipe_name(registry.find("loss", "mmd", "here")) == "mmd"


def test_a_part_is_built_strictly(found: Callable[..., Registry]) -> None:
    registry = found(provided(BUNDLED, mmd=Mmd))
    assert registry.build("loss", "mmd", {"widths": [0.5, 1.0]}, "losses.m") == Mmd(widths=(0.5, 1.0))
    with pytest.raises(LatentclustError) as caught:
        registry.build("loss", "mmd", {"widths": [0.5, "1"], "factor": [1.0]}, "losses.m")
    assert [issue.where for issue in caught.value.issues] == ["losses.m.widths.1", "losses.m.factor"]
    assert caught.value.issues[1].fix == "Did you mean 'factors'?"


def test_every_kind_has_parts_and_they_are_sorted_by_name(registry: Registry) -> None:
    for kind in KINDS:
        names = [part.name for part in registry.parts(kind)]
        assert names or kind in PLUGINS_ONLY
        assert names == sorted(names)
    assert registry.broken == ()
    assert registry.providers()[BUNDLED].distribution == BUNDLED

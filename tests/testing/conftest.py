"""Deliberately wrong parts, registered beside everything that is installed, and what a check says of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from latentclust.plugins.discovery import ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.testing.check_table import Check, checks_of
from latentclust.testing.subject import CheckedPart
from latentclust.testing.validation_report import reason_of

WRONG = Provider("latentclust-wrong", "1", "wrong")

HOOKS = {"loss": "provide_losses", "quantity": "provide_quantities"}

Caught = Callable[..., str]


@pytest.fixture(scope="session")
def registry_with() -> Callable[[Mapping[tuple[str, str], Any]], Registry]:
    """Everything that is installed, and parts by kind and name."""
    found = discover()

    def make(parts: Mapping[tuple[str, str], Any]) -> Registry:
        more = [ProvidedParts(WRONG, hook(kind), {name: value}) for (kind, name), value in parts.items()]
        return Registry(replace(found, provisions=(*found.provisions, *more)))

    return make


def hook(kind: str) -> str:
    return HOOKS.get(kind, f"provide_{kind}s")


@pytest.fixture
def subject(registry_with: Callable[[Mapping[tuple[str, str], Any]], Registry]) -> Callable[..., CheckedPart]:
    """A part of `latentclust-wrong`, registered with others of its."""

    def make(kind: str, value: Any, name: str = "wrong", others: Mapping[tuple[str, str], Any] = {}) -> CheckedPart:
        registry = registry_with({**others, (kind, name): value})
        assert [str(item) for item in registry.broken if item.provider == WRONG] == []
        (part,) = (part for part in registry.parts(kind) if part.name == name and part.provider == WRONG)
        return CheckedPart(part, registry)

    return make


@pytest.fixture
def caught(subject: Callable[..., CheckedPart]) -> Caught:
    """What a check finds wrong with a part that it is asked of."""

    def catch(check: Check, kind: str, value: Any, **more: Any) -> str:
        wrong = subject(kind, value, **more)
        assert check in checks_of(wrong.part), "no part of this kind is asked that"
        try:
            check(wrong)
        except Exception as error:
            return reason_of(error)
        pytest.fail("it was not caught")

    return catch

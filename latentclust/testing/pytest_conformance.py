"""The conformance checks of a distribution as one parametrised pytest test."""

from collections.abc import Callable
from typing import Any

from latentclust.errors import LatentclustError
from latentclust.plugins.discovery import BrokenPlugin
from latentclust.plugins.registry import installed
from latentclust.testing.check_table import Check, ask, name_of
from latentclust.testing.subject import CheckedPart, CheckFailed, NotApplicable
from latentclust.testing.validation_report import distribution_parts


def conformance(distribution: str) -> Callable[[Any], None]:
    """Return a test that runs every check on every part of an installed distribution.

    In a test module of the distribution:

        from latentclust.testing import conformance

        test_conformance = conformance("latentclust-example")

    Args:
        distribution: Name of the distribution in its pyproject.toml.

    Raises:
        LatentclustError: If the distribution is not installed or provides nothing, or pytest is not installed.
    """
    try:
        import pytest
    except ImportError as error:
        fix = "pip install 'latentclust[test]'; or run `latentclust plugins validate`, which needs none"
        raise LatentclustError.at("latentclust.testing", "pytest is not installed", fix) from error
    registry = installed()
    provided = distribution_parts(distribution, registry)
    broken = [pytest.param(item.error, id=_broken_identity(item)) for item in provided.broken]
    cases = [pytest.param(case, id=_identity(*case)) for case in provided.cases(registry)]

    @pytest.mark.parametrize("case", [*broken, *cases])
    def test_conformance(case: str | tuple[CheckedPart, Check]) -> None:
        if isinstance(case, str):
            raise CheckFailed(f"it cannot be loaded: {case}")
        subject, check = case
        try:
            ask(check, subject)
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return test_conformance


def _broken_identity(item: BrokenPlugin) -> str:
    """Return an id such as `loss-confidence-penalty-loads`, or the entry point if a whole module or hook is broken."""
    return f"{item.kind}-{item.name}-loads" if item.name else f"{item.provider.entry_point}-loads"


def _identity(subject: CheckedPart, check: Check) -> str:
    """Return an id such as `loss-confidence-penalty-runs-in-bf16`."""
    return f"{subject.part.kind}-{subject.part.name}-{name_of(check)}"

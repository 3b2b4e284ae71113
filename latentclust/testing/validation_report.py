"""Everything that a distribution provides, checked; what is wrong is told part by part."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from latentclust.errors import LatentclustError
from latentclust.plugins.containment import run_contained
from latentclust.plugins.discovery import BrokenPlugin
from latentclust.plugins.distributions import (
    COMMANDS_GROUP,
    PARTS_GROUP,
    PLUGINS_VARIABLE,
    canonical_name,
    scan_distributions,
)
from latentclust.plugins.registry import KINDS, Part, Registry
from latentclust.testing.check_table import Check, ask, checks_of, name_of
from latentclust.testing.subject import CheckedPart, CheckFailed, NotApplicable


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        part: Kind and name, such as `loss confidence-penalty`; empty where a whole module or hook does not load.
        check: The check that found it.
        reason: What is wrong, in words.
    """

    part: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What checking a distribution came to.

    Attributes:
        parts: How many parts it provides.
        passed: How many checks were passed.
        skipped: How many had nothing to say of their part.
    """

    distribution: str
    version: str
    parts: int
    passed: int
    skipped: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class DistributionParts:
    """What a distribution provides, and what of it could not be loaded."""

    distribution: str
    version: str
    parts: tuple[Part, ...]
    broken: tuple[BrokenPlugin, ...]

    def cases(self, registry: Registry) -> list[tuple[CheckedPart, Check]]:
        """Every part with every check that is asked of it."""
        return [(CheckedPart(part, registry), check) for part in self.parts for check in checks_of(part)]


def distribution_parts(distribution: str, registry: Registry) -> DistributionParts:
    """What an installed distribution provides.

    Raises:
        LatentclustError: It is not installed, is left out, or provides nothing at all.
    """
    scan, wanted = scan_distributions(), canonical_name(distribution)
    for one in scan.excluded:
        if canonical_name(one.name) == wanted:
            raise LatentclustError.at(
                "DIST",
                f"{PLUGINS_VARIABLE} leaves {one.name} out",
                f"Unset {PLUGINS_VARIABLE}, or add {one.name} to it",
            )
    found = next((one for one in scan.used if canonical_name(one.name) == wanted), None)
    if found is None:
        raise _absent(distribution)
    parts = [part for kind in KINDS for part in registry.parts(kind) if part.provider.distribution == found.name]
    commands = [
        Part("command", entry.provider.entry_point, entry.provider, entry) for entry in found.of(COMMANDS_GROUP)
    ]
    broken = [item for item in registry.broken if item.provider.distribution == found.name]
    if not (parts or commands or broken):
        raise LatentclustError.at(
            "DIST", f"{found.name} provides nothing", "Let a hook of it return a part by its name"
        )
    return DistributionParts(found.name, found.version, (*parts, *commands), tuple(broken))


def _absent(distribution: str) -> LatentclustError:
    """Why there is nothing to check."""
    try:
        version(distribution)
    except PackageNotFoundError:
        fix = "Install it, or name another; `latentclust plugins list` shows who provides parts"
        return LatentclustError.at("DIST", f"there is no distribution {distribution!r}", fix)
    fix = f"Give it an entry point in the group {PARTS_GROUP!r} that names a module with hooks"
    return LatentclustError.at("DIST", f"{distribution} is no plugin", fix)


def validate_distribution(distribution: str, registry: Registry) -> ValidationReport:
    """Checks every part of an installed distribution; raises LatentclustError where there is nothing to check."""
    provided = distribution_parts(distribution, registry)
    findings = [Finding(f"{item.kind} {item.name}".strip(), "loads", item.error) for item in provided.broken]
    skipped, cases = 0, provided.cases(registry)
    for subject, check in cases:
        part = f"{subject.part.kind} {subject.part.name}"
        verdict, conduct = run_contained(partial(_verdict, check, subject), f"{name_of(check)} of {part}")
        if conduct.error or verdict:
            findings.append(Finding(part, name_of(check), conduct.error or verdict or ""))
        skipped += verdict is None and not conduct.error
    failed = len(findings) - len(provided.broken)
    passed = len(cases) - skipped - failed
    return ValidationReport(
        provided.distribution, provided.version, len(provided.parts), passed, skipped, tuple(findings)
    )


def _verdict(check: Check, subject: CheckedPart) -> str | None:
    """What a check found wrong, in words; empty where nothing is, and None where it has nothing to say of the part."""
    try:
        ask(check, subject)
    except NotApplicable:
        return None
    # A part may raise anything, and whatever it raises is wrong with it.
    except Exception as error:
        return reason_of(error)
    return ""


def reason_of(error: Exception) -> str:
    """What a check came to, in words: its own finding, or what the part raised."""
    if isinstance(error, CheckFailed):
        return str(error)
    if isinstance(error, LatentclustError):
        return "; ".join(map(str, error.issues))
    told = (str(error).splitlines() or [""])[0]
    return f"it raised {type(error).__name__}" + (f": {told}" if told else "")

"""Validation of all parts of a distribution, and its report."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from latentclust.errors import LatentclustError
from latentclust.plugins.checks import PROVIDED
from latentclust.plugins.containment import run_contained
from latentclust.plugins.discovery import BrokenPlugin
from latentclust.plugins.distributions import (
    COMMANDS_GROUP,
    PARTS_GROUP,
    PLUGINS_VARIABLE,
    canonical_name,
    scan_distributions,
)
from latentclust.plugins.given import PluginSource, load_given
from latentclust.plugins.registry import Part, Registry, installed
from latentclust.testing.check_table import Check, ask, checks_of, name_of
from latentclust.testing.subject import CheckedPart, CheckFailed, NotApplicable


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that a part failed.

    Attributes:
        part: Kind and name, such as `loss confidence-penalty`. Empty if a whole module or hook is broken.
        check: Name of the check.
        reason: Description of the problem.
    """

    part: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The result of validating a distribution.

    Attributes:
        parts: Number of parts.
        passed: Number of passed checks.
        skipped: Number of checks that did not apply.
        findings: Checks that failed.
        not_applicable: Checks that did not apply, each with the reason.
    """

    distribution: str
    version: str
    parts: int
    passed: int
    skipped: int
    findings: tuple[Finding, ...]
    not_applicable: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class DistributionParts:
    """The parts of a distribution, and those that could not be loaded."""

    distribution: str
    version: str
    parts: tuple[Part, ...]
    broken: tuple[BrokenPlugin, ...]

    def cases(self, registry: Registry) -> list[tuple[CheckedPart, Check]]:
        """Return every part with each of its checks."""
        return [(CheckedPart(part, registry), check) for part in self.parts for check in checks_of(part)]


def distribution_parts(distribution: str, registry: Registry) -> DistributionParts:
    """Return the parts of an installed distribution.

    Raises:
        LatentclustError: If it is not installed, is excluded, or provides nothing.
    """
    scan, wanted = scan_distributions(), canonical_name(distribution)
    for one in scan.excluded:
        if canonical_name(one.name) == wanted:
            raise LatentclustError.at(
                "DIST",
                f"{PLUGINS_VARIABLE} excludes {one.name}",
                f"Unset {PLUGINS_VARIABLE}, or add {one.name} to it",
            )
    found = next((one for one in scan.used if canonical_name(one.name) == wanted), None)
    if found is None:
        raise _absent(distribution)
    parts = [part for kind in PROVIDED for part in registry.parts(kind) if part.provider.distribution == found.name]
    commands = [
        Part("command", entry.provider.entry_point, entry.provider, entry) for entry in found.of(COMMANDS_GROUP)
    ]
    broken = [item for item in registry.broken if item.provider.distribution == found.name]
    if not (parts or commands or broken):
        raise LatentclustError.at("DIST", f"{found.name} provides nothing", "Return a part from one of its hooks")
    return DistributionParts(found.name, found.version, (*parts, *commands), tuple(broken))


def _absent(distribution: str) -> LatentclustError:
    """Return the error for a distribution that is not installed or not a plugin."""
    try:
        version(distribution)
    except PackageNotFoundError:
        fix = "Install it, or choose one that `latentclust plugins list` shows"
        return LatentclustError.at("DIST", f"distribution {distribution!r} is not installed", fix)
    fix = f"Give it an entry point in the group {PARTS_GROUP!r} that names a module with hooks"
    return LatentclustError.at("DIST", f"{distribution} is not a plugin", fix)


def validate_distribution(distribution: str, registry: Registry) -> ValidationReport:
    """Check all parts of an installed distribution. Raise LatentclustError if there is nothing to check."""
    return _validate(distribution_parts(distribution, registry), registry)


def validate_plugin(source: PluginSource) -> ValidationReport:
    """Check all parts of a plugin that need not be installed. Raise LatentclustError if it cannot be loaded."""
    plugin = load_given(source)
    registry = installed().with_plugin(plugin)
    parts = (part for kind in PROVIDED for part in registry.parts(kind) if part.provider == plugin.provider)
    return _validate(DistributionParts(plugin.name, plugin.provider.version, tuple(parts), ()), registry)


def _validate(provided: DistributionParts, registry: Registry) -> ValidationReport:
    """Check all parts that were found."""
    findings = [Finding(f"{item.kind} {item.name}".strip(), "loads", item.error) for item in provided.broken]
    cases, skipped = provided.cases(registry), []
    for subject, check in cases:
        part = f"{subject.part.kind} {subject.part.name}"
        verdict, execution = run_contained(partial(_verdict, check, subject), f"{name_of(check)} of {part}")
        problem, reason = verdict or ("", "")
        if execution.error or problem:
            findings.append(Finding(part, name_of(check), execution.error or problem))
        elif reason:
            skipped.append(Finding(part, name_of(check), reason))
    failed = len(findings) - len(provided.broken)
    passed = len(cases) - len(skipped) - failed
    counts = (len(provided.parts), passed, len(skipped))
    return ValidationReport(provided.distribution, provided.version, *counts, tuple(findings), tuple(skipped))


def _verdict(check: Check, subject: CheckedPart) -> tuple[str, str]:
    """Return the problem that a check found, and the reason why it does not apply; both empty if it passes."""
    try:
        ask(check, subject)
    except NotApplicable as reason:
        return "", str(reason)
    # Any exception that a part raises is a problem of the part.
    except Exception as error:
        return reason_of(error), ""
    return "", ""


def reason_of(error: Exception) -> str:
    """Return the reason of a failed check: its message, or the exception that the part raised."""
    if isinstance(error, CheckFailed):
        return str(error)
    if isinstance(error, LatentclustError):
        return "; ".join(map(str, error.issues))
    told = (str(error).splitlines() or [""])[0]
    return f"it raised {type(error).__name__}" + (f": {told}" if told else "")

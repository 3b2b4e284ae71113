"""Everything that a distribution provides, checked; what is wrong is told part by part."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from latentclust.errors import LatentclustError
from latentclust.plugins import BrokenPlugin
from latentclust.registry import KINDS, Part, Registry
from latentclust.testing.checks import Check, checks_of, name_of
from latentclust.testing.subject import Inapplicable, Subject, Unfit


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        part: Kind and name, such as `loss confidence-penalty`; empty where a whole plugin does not load.
        check: The check that found it.
        reason: What is wrong, in words.
    """

    part: str
    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Examination:
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
class Provided:
    """What a distribution provides, and what of it could not be loaded."""

    distribution: str
    version: str
    parts: tuple[Part, ...]
    broken: tuple[BrokenPlugin, ...]

    def cases(self, registry: Registry) -> list[tuple[Subject, Check]]:
        """Every part with every check that is asked of it."""
        return [(Subject(part, registry), check) for part in self.parts for check in checks_of(part)]


def provided_by(distribution: str, registry: Registry) -> Provided:
    """The parts of an installed distribution.

    Raises:
        LatentclustError: It is not installed, or provides nothing at all.
    """
    try:
        installed_version = version(distribution)
    except PackageNotFoundError as error:
        fix = "Install it, or name another; `latentclust plugins list` names those that provide parts"
        raise LatentclustError.at("DIST", f"there is no distribution {distribution!r}", fix) from error
    own = [part for kind in KINDS for part in registry.parts(kind) if same_name(part, distribution)]
    broken = [item for item in registry.broken if _normal(item.provider.distribution) == _normal(distribution)]
    if not own and not broken:
        fix = "Give it an entry point in the group `latentclust` that names a module with hooks"
        raise LatentclustError.at("DIST", f"{distribution} provides no part", fix)
    return Provided(distribution, installed_version, tuple(own), tuple(broken))


def examine(distribution: str, registry: Registry) -> Examination:
    """Checks every part of an installed distribution; raises LatentclustError where there is nothing to check."""
    provided = provided_by(distribution, registry)
    findings = [Finding("", "loads", item.error) for item in provided.broken]
    skipped, cases = 0, provided.cases(registry)
    for subject, check in cases:
        try:
            check(subject)
        except Inapplicable:
            skipped += 1
        # A part may raise anything, and whatever it raises is wrong with it.
        except Exception as error:
            findings.append(Finding(f"{subject.part.kind} {subject.part.name}", name_of(check), reason_of(error)))
    failed = len(findings) - len(provided.broken)
    passed = len(cases) - skipped - failed
    return Examination(distribution, provided.version, len(provided.parts), passed, skipped, tuple(findings))


def reason_of(error: Exception) -> str:
    """What a check came to, in words: its own finding, or what the part raised."""
    if isinstance(error, Unfit):
        return str(error)
    if isinstance(error, LatentclustError):
        return "; ".join(map(str, error.issues))
    told = (str(error).splitlines() or [""])[0]
    return f"it raised {type(error).__name__}" + (f": {told}" if told else "")


def same_name(part: Part, distribution: str) -> bool:
    """Whether a part is provided by a distribution, however its name is written."""
    return _normal(part.provider.distribution) == _normal(distribution)


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return name.lower().replace("_", "-").replace(".", "-")

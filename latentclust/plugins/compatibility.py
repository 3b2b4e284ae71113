"""Compatibility of a plugin with this latentclust: its `Requires-Dist: latentclust…` and the installed version."""

import re
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from latentclust.plugins.distributions import BUNDLED, Distribution, canonical_name

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """The result of comparing a plugin's requirement with the installed version of latentclust.

    Attributes:
        required: Requirement as the plugin states it, such as `latentclust>=0.1`. Empty if it states none.
        installed: Version of latentclust.
        problem: Reason for the incompatibility. Empty if the plugin is compatible.
    """

    required: str
    installed: str
    problem: str = ""

    def __str__(self) -> str:
        """Return the text of `plugins show`."""
        if not self.required:
            return f"does not name latentclust, and is assumed to accept {self.installed}"
        return self.problem or f"{self.required}, which {self.installed} meets"


def check_version(distribution: Distribution, installed: str) -> VersionCheck:
    """Compare the requirements of a distribution on latentclust with the installed version.

    Requirements of an extra, and those whose marker excludes this Python or system, are ignored. An installed
    pre-release is compared by its version: 0.2rc1 meets `>=0.1` and does not meet `>=0.2`. Any version meets a URL.
    """
    now = Version(installed)
    texts = [text for text in distribution.requires if _on_latentclust(text)]
    try:
        required = [one for one in map(Requirement, texts) if one.marker is None or one.marker.evaluate({"extra": ""})]
        unmet = [one for one in required if not one.specifier.contains(now, prereleases=True)]
    # A marker that can be parsed may still compare values that cannot be compared. The error that packaging raises
    # for an unknown name depends on its version.
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, KeyError) as error:
        reason = str(error).partition("\n")[0]
        return VersionCheck(
            "; ".join(texts), installed, f"its requirement {'; '.join(texts)!r} cannot be read ({reason})"
        )
    wanted = ", ".join(f"{one.name}{one.specifier}" + (f" @ {one.url}" if one.url else "") for one in required)
    return VersionCheck(
        wanted, installed, f"it requires {wanted}, and latentclust {installed} is installed" if unmet else ""
    )


def incompatibility(distribution: Distribution, installed: str) -> str:
    """Return why a distribution must not be imported, damage or an unmet requirement, or an empty string."""
    return distribution.error or ("" if distribution.bundled else check_version(distribution, installed).problem)


def _on_latentclust(text: str) -> bool:
    found = _NAME.match(text)
    return found is not None and canonical_name(found[1]) == BUNDLED

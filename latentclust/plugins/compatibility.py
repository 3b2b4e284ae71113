"""Whether a plugin suits this latentclust: its own `Requires-Dist: latentclust…` against what is installed."""

import re
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from latentclust.plugins.distributions import BUNDLED, Distribution, canonical_name

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """How a plugin and latentclust go together.

    Attributes:
        asked: The requirement as the plugin states it, such as `latentclust>=0.1`; empty where it states none.
        installed: The version of latentclust.
        problem: Why it does not suit; empty where it does.
    """

    asked: str
    installed: str
    problem: str = ""

    def __str__(self) -> str:
        """A sentence for `plugins show`."""
        if not self.asked:
            return f"states none on latentclust, and is taken to suit {self.installed}"
        return self.problem or f"{self.asked}, which {self.installed} meets"


def check_version(distribution: Distribution, installed: str) -> VersionCheck:
    """A distribution's requirements on latentclust against the installed version.

    Requirements of an extra, and those whose marker leaves out this Python or system, do not count. An installed
    pre-release counts as its version says: 0.2rc1 meets `>=0.1` and not `>=0.2`. A URL is met by any version.
    """
    now = Version(installed)
    texts = [text for text in distribution.requires if _on_latentclust(text)]
    try:
        asked = [one for one in map(Requirement, texts) if one.marker is None or one.marker.evaluate({"extra": ""})]
        unmet = [one for one in asked if not one.specifier.contains(now, prereleases=True)]
    # Markers that can be parsed may still compare what cannot be compared; of a name that there is not, packaging
    # raises one error or another, by its version.
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, KeyError) as error:
        reason = str(error).partition("\n")[0]
        return VersionCheck(
            "; ".join(texts), installed, f"its requirement {'; '.join(texts)!r} cannot be read ({reason})"
        )
    wanted = ", ".join(f"{one.name}{one.specifier}" + (f" @ {one.url}" if one.url else "") for one in asked)
    return VersionCheck(
        wanted, installed, f"it requires {wanted}, and latentclust {installed} is installed" if unmet else ""
    )


def incompatibility(distribution: Distribution, installed: str) -> str:
    """Why nothing of a distribution may be imported: damaged metadata, or another latentclust; empty where it may."""
    return distribution.error or ("" if distribution.bundled else check_version(distribution, installed).problem)


def _on_latentclust(text: str) -> bool:
    found = _NAME.match(text)
    return found is not None and canonical_name(found[1]) == BUNDLED

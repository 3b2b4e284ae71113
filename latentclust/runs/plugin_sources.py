"""Copies of the sources of given plugins in a run folder, which a resumed run compares."""

from collections.abc import Iterable
from pathlib import Path

from latentclust.errors import Issue, raise_all
from latentclust.files import write_atomic
from latentclust.plugins.given import COPIES, UsedPlugin, copy_name, digest_of, version_of
from latentclust.plugins.registry import Registry


def write_plugin_sources(folder: Path, used: Iterable[UsedPlugin]) -> None:
    """Write the source of each given plugin to a run folder."""
    for one in used:
        if one.plugin.source:
            write_atomic(folder / one.plugin.copy, one.plugin.source)


def check_plugin_sources(folder: Path, registry: Registry) -> None:
    """Raise LatentclustError if a plugin of a run is not given, or its source has changed since the run was started.

    The copies in the run folder are never run.
    """
    given = {copy_name(one.name): one for one in registry.given}
    issues = []
    for copy in sorted((folder / COPIES).glob("*.py")):
        was, now = digest_of(copy.read_bytes().decode(errors="replace")), given.get(copy.name)
        if now is None:
            what = f"the run was started with it ({version_of(was)}), and it is not given"
            issues.append(Issue(f"plugin {copy.name}", what, f"Add --plugin {copy.name}; the run's copy is {copy}"))
        elif now.sha256 != was:
            what = f"has changed since the run was started ({version_of(was)}, now {version_of(now.sha256)})"
            issues.append(Issue(f"plugin {now.name}", what, f"Resume with the run's copy {copy}, or start a new run"))
    raise_all(issues)

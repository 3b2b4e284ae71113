"""Copies of the sources of given plugins in a run folder, which a resumed run compares."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from latentclust.errors import Issue, LatentclustError, first_problem, raise_all
from latentclust.files import write_atomic
from latentclust.plugins.advice import Form, how_to_give
from latentclust.plugins.given import COPIES, COPIES_LIST, UsedPlugin, copy_name, digest_of, version_of
from latentclust.plugins.registry import Registry
from latentclust.specs.given_plugins import PLUGIN_NAME


class CopiedPlugin(BaseModel):
    """A plugin with a copy in a run folder: its name and what it was given as."""

    name: Annotated[str, Field(pattern=PLUGIN_NAME)]
    form: Form


_LIST = TypeAdapter(list[CopiedPlugin])


def write_plugin_sources(folder: Path, used: Iterable[UsedPlugin]) -> None:
    """Write the source of each given plugin to a run folder, with the list of what they were given as."""
    known = [one.plugin for one in used if one.plugin.source]
    for plugin in known:
        write_atomic(folder / plugin.copy, plugin.source)
    if known:
        copied = [CopiedPlugin(name=plugin.name, form=plugin.form) for plugin in known]
        write_atomic(folder / COPIES / COPIES_LIST, _LIST.dump_json(copied, indent=2).decode() + "\n")


def check_plugin_sources(folder: Path, registry: Registry) -> None:
    """Raise LatentclustError if a plugin of a run is not given, or its source has changed since the run was started.

    The copies in the run folder are never run.
    """
    given = {copy_name(one.name): one for one in registry.given}
    issues = []
    for plugin in _copied(folder):
        copy = folder / COPIES / copy_name(plugin.name)
        if not copy.is_file():
            issues.append(Issue(str(copy), "is missing", "Restore it, or start a new run"))
            continue
        was, now = digest_of(copy.read_bytes().decode(errors="replace")), given.get(copy.name)
        if now is None:
            what = f"the run was started with it ({version_of(was)}), and it is not given"
            issues.append(Issue(f"plugin {plugin.name}", what, how_to_give(plugin.name, plugin.form, copy)))
        elif now.sha256 != was:
            what = f"has changed since the run was started ({version_of(was)}, now {version_of(now.sha256)})"
            fix = f"Resume with the run's copy {copy}, or start a new run"
            if plugin.form != "file":
                fix = f"Restore the {plugin.form}, whose text was that of {copy}, or start a new run"
            issues.append(Issue(f"plugin {now.name}", what, fix))
    raise_all(issues)


def _copied(folder: Path) -> list[CopiedPlugin]:
    """Return the plugins with a copy. Runs of earlier versions have no list, and their copies are read as files."""
    listed = folder / COPIES / COPIES_LIST
    if not listed.exists():
        return [CopiedPlugin(name=copy.name, form="file") for copy in sorted((folder / COPIES).glob("*.py"))]
    try:
        return _LIST.validate_json(listed.read_bytes())
    except (OSError, ValidationError) as error:
        what = f"cannot be read ({first_problem(error)})"
        raise LatentclustError.at(str(listed), what, "Restore it, or start a new run") from error

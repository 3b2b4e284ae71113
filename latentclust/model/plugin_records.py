"""Records of given plugins in the header of a model file, and whether what is registered has their parts."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from latentclust.errors import Issue, LatentclustError
from latentclust.networks.stored_model import PluginRecord
from latentclust.plugins.advice import how_to_give
from latentclust.plugins.given import COPIES, UsedPlugin, copy_name, version_of
from latentclust.plugins.registry import Registry

PLUGINS = "plugins"
"""Entry of the header with the records."""

log = logging.getLogger(__name__)


class MissingPluginError(LatentclustError):
    """A plugin that a model needs is not given."""


def plugin_records(used: Iterable[UsedPlugin]) -> list[dict[str, Any]]:
    """Return the records of the plugins that a model uses."""
    found = [(one.plugin, list(one.parts)) for one in used]
    return [
        PluginRecord(name=one.name, form=one.form, sha256=one.sha256, source=one.source, parts=parts).model_dump()
        for one, parts in found
    ]


def records_of(header: Mapping[str, Any]) -> list[PluginRecord]:
    """Return the records of a header."""
    return [PluginRecord.model_validate(one) for one in header.get(PLUGINS, ())]


def check_plugins(file: Path, records: Iterable[PluginRecord], registry: Registry) -> None:
    """Check that all parts of a model's plugins are registered. A part from another source is logged as a warning.

    The source in a model file is never run.

    Raises:
        MissingPluginError: If a part is missing.
    """
    for record in records:
        version = version_of(record.sha256)
        given = next((one for one in registry.given if one.name == record.name), None)
        if given is not None and given.sha256 == record.sha256:
            continue
        found = [part for part in (registry.get(*part.split()) for part in record.parts) if part is not None]
        if len(found) < len(record.parts):
            raise _missing(file, record)
        now = ", ".join(dict.fromkeys(str(part.provider) for part in found))
        log.warning("%s: it was trained with %s (%s), and %s is used now", file, record.name, version, now)


def _missing(file: Path, record: PluginRecord) -> MissingPluginError:
    """Return the error for a plugin that is not given, with the copy in the run folder if there is one."""
    parts = " and ".join(record.parts)
    what = f"it was trained with the {parts} of {record.name} ({version_of(record.sha256)}), which is not given"
    fix = how_to_give(record.name, record.form, file.parent / COPIES / copy_name(record.name))
    return MissingPluginError(Issue(str(file), what, fix))

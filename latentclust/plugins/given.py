"""Plugins that a user gives to a command or a function: a file, a module or a class, without a distribution."""

import hashlib
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import pluggy

from latentclust.errors import Issue, LatentclustError
from latentclust.plugins import hookspecs
from latentclust.plugins.advice import Form
from latentclust.plugins.class_parts import class_part, kind_of, parts_of_classes
from latentclust.plugins.class_source import class_source
from latentclust.plugins.containment import run_contained
from latentclust.plugins.discovery import BrokenPlugin, PluginRemark, ProvidedParts, call_hooks
from latentclust.plugins.distributions import PARTS_GROUP, Provider
from latentclust.plugins.module_source import module_source
from latentclust.plugins.source_modules import SUFFIX, PluginText, module_of_text, read_plugin_file
from latentclust.specs.given_plugins import LONGEST_SOURCE, PLUGIN_NAME
from latentclust.specs.parts import Spec

PluginSource = str | Path | ModuleType | type[Spec] | PluginText
"""What a plugin is given by: the path of a file, the name of a module, a module, a class of a part, or a text."""

UNKNOWN_SOURCE = "source unknown"
"""Version of a plugin whose source is not available."""

COPIES = "plugin-sources"
"""Folder in a run folder with copies of the sources of given plugins."""

COPIES_LIST = "plugins.json"
"""File in that folder that lists what each plugin was given as."""

SHOWN_DIGITS = 12
"""Number of digits of a SHA-256 that messages and tables show."""

MODULE_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True, eq=False)
class GivenPlugin:
    """A plugin that was given, with its parts.

    Attributes:
        provider: Its name, `my_loss.py`, and the beginning of its SHA-256 in place of a version.
        origin: What another process can load it from: the text of a file, the name of a module, or the class.
        source: Text of the file or the class. Empty if it is not available.
        parts: Its parts by hook.
        remarks: Remarks on its import.
    """

    provider: Provider
    origin: PluginText | str | type[Spec]
    source: str
    parts: tuple[ProvidedParts, ...]
    remarks: tuple[PluginRemark, ...] = ()

    @property
    def name(self) -> str:
        """Name, which stands for that of a distribution."""
        return self.provider.distribution

    @property
    def sha256(self) -> str:
        """SHA-256 of the source. Empty if the source is not available."""
        return digest_of(self.source)

    @property
    def form(self) -> Form:
        """What it was given as."""
        if isinstance(self.origin, PluginText):
            return "file"
        return "module" if isinstance(self.origin, str) else "class"

    @property
    def copy(self) -> str:
        """Path of the copy of its source, relative to the run folder. Empty if the source is not available."""
        return f"{COPIES}/{copy_name(self.name)}" if self.source else ""

    def equals(self, other: "GivenPlugin") -> bool:
        """Return whether another plugin is the same one."""
        same_parts = [one.parts for one in self.parts] == [one.parts for one in other.parts]
        return (self.provider, self.source) == (other.provider, other.source) and same_parts


@dataclass(frozen=True, slots=True)
class UsedPlugin:
    """A given plugin with those of its parts that a recipe uses, such as `loss confidence-penalty`."""

    plugin: GivenPlugin
    parts: tuple[str, ...]


def copy_name(name: str) -> str:
    """Return the file name for the copy of the source of a plugin."""
    return name if name.endswith(SUFFIX) else f"{name}{SUFFIX}"


def digest_of(source: str) -> str:
    """Return the SHA-256 of a plugin's source. Empty for an empty source."""
    return hashlib.sha256(source.encode()).hexdigest() if source else ""


def version_of(sha256: str) -> str:
    """Return what stands for the version of a given plugin: the beginning of the SHA-256 of its source."""
    return f"sha256 {sha256[:SHOWN_DIGITS]}" if sha256 else UNKNOWN_SOURCE


def load_given(source: object) -> GivenPlugin:
    """Load a plugin, and run its code.

    A file or a module provides the parts that its hooks return. Without hooks, it provides the classes of parts that it
    defines: `ConfidencePenalty` is `confidence-penalty`.

    Args:
        source: A `PluginSource`. Anything else is refused.

    Raises:
        LatentclustError: If it is missing, cannot be imported, or has no parts; if its name or its source is too long
            for a model file.
    """
    plugin = _load(source)
    if not re.fullmatch(PLUGIN_NAME, plugin.name):
        what = "its name is too long, or contains a separator or a control character"
        raise LatentclustError.at(f"plugin {plugin.name}", what, "Rename it")
    _check_length(plugin.name, len(plugin.source))
    return plugin


def _check_length(name: str, length: int) -> None:
    """Raise LatentclustError if a source is too long for a model file, before anything is trained with it."""
    if length > LONGEST_SOURCE:
        what = f"its source has {length} characters, and a model file holds at most {LONGEST_SOURCE}"
        raise LatentclustError.at(f"plugin {name}", what, "Move data from the source to a file that it reads")


def _load(source: object) -> GivenPlugin:
    """Load a plugin whose name and source may be too long."""
    if isinstance(source, type):
        return _of_class(source)
    if isinstance(source, ModuleType):
        return _of_module(source, source.__name__, module_source(source), source.__name__)
    if isinstance(source, str) and _is_module_name(source):
        module = _import(source)
        if module is not None:
            return _of_module(module, source, module_source(module), source)
    if not isinstance(source, str | Path | PluginText):
        what = f"is an object of type {type(source).__name__}, and no class, module or path"
        raise LatentclustError.at("plugins", what, f"Pass the class {type(source).__name__} itself, or a file")
    text = source if isinstance(source, PluginText) else read_plugin_file(Path(source))
    _check_length(text.name, len(text.source))
    module, remarks = module_of_text(text)
    return _of_module(module, text.name, text.source, text, remarks)


def _is_module_name(source: str) -> bool:
    """Return whether a text may name a module. A file or folder of that name does not matter."""
    return not source.endswith(SUFFIX) and bool(MODULE_NAME.fullmatch(source))


def _import(name: str) -> ModuleType | None:
    """Import a module by its name. None if it fails and the name is also that of a file."""
    module, execution = run_contained(partial(importlib.import_module, name), f"plugin {name}")
    if module is None and not Path(name).is_file():
        what = f"is no file and cannot be imported as a module ({execution.error})"
        raise LatentclustError.at(f"plugin {name}", what, "Give the path of a .py file, or an installed module")
    return module


def _of_module(
    module: ModuleType, name: str, source: str, origin: PluginText | str, remarks: Sequence[str] = ()
) -> GivenPlugin:
    """Return the plugin of a module, by its hooks or its classes."""
    provider = Provider(name, version_of(digest_of(source)), "")
    manager = pluggy.PluginManager(PARTS_GROUP)
    manager.add_hookspecs(hookspecs)
    told = [PluginRemark(provider, text) for text in remarks]
    if not any(manager.parse_hookimpl_opts(module, attribute) for attribute in dir(module)):
        return GivenPlugin(provider, origin, source, parts_of_classes(module, provider), tuple(told))
    events = list(call_hooks(manager, module, provider, name))
    if broken := [event.error for event in events if isinstance(event, BrokenPlugin)]:
        raise LatentclustError(*(Issue(f"plugin {name}", what, "Correct the hook") for what in broken))
    parts = tuple(event for event in events if isinstance(event, ProvidedParts) and event.parts)
    if not parts:
        raise LatentclustError.at(f"plugin {name}", "its hooks return no part", "Return a part from one of them")
    told += [event for event in events if isinstance(event, PluginRemark)]
    return GivenPlugin(provider, origin, source, parts, tuple(told))


def _of_class(given: type) -> GivenPlugin:
    """Return the plugin of one class."""
    if kind_of(given) is None:
        what = "is not the class of a part"
        raise LatentclustError.at(
            f"plugin {given.__name__}", what, "Derive it from LossSpec, ViewSpec, MetricSpec, ..."
        )
    source = class_source(given)
    provider = Provider(given.__name__, version_of(digest_of(source)), "")
    return GivenPlugin(provider, given, source, (class_part(given, provider),))

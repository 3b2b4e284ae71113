"""A merged recipe as TOML with the origin of each value as a comment."""

import re
from collections.abc import Mapping
from typing import Any

import tomli_w

from latentclust.recipe.merge import Layered

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

COMMENT_COLUMN = 60
"""Column of the comments; they move right on longer lines."""


def annotated(layered: Layered) -> str:
    """Return the merged tables as TOML with the origin of each value. Loading it gives the same tables."""
    lines = _table(layered.tree, (), layered.origins)
    return "\n".join(lines).strip() + "\n"


def inline(value: Any) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {inline(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(inline(item) for item in value)}]"
    return tomli_w.dumps({"value": value}).partition("=")[2].strip()


def assignment(key: str, value: Any, comment: str) -> str:
    """Return the line `key = value  # comment` with the comment at `COMMENT_COLUMN`."""
    return f"{f'{_key(key)} = {inline(value)}':{COMMENT_COLUMN}}  # {comment}"


def _table(tree: Mapping[str, Any], path: tuple[str, ...], origins: Mapping[str, str]) -> list[str]:
    """Return the lines of a table: its header, its values, then the nested tables."""
    values = {key: value for key, value in tree.items() if not isinstance(value, Mapping)}
    header = [] if not path else ["", f"[{'.'.join(map(_key, path))}]"]
    lines = header if values or not tree else []
    lines += [assignment(key, value, origins[".".join((*path, key))]) for key, value in values.items()]
    for key, value in tree.items():
        if isinstance(value, Mapping):
            lines += _table(value, (*path, key), origins)
    return lines


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else tomli_w.dumps({key: 0}).partition(" = ")[0]

"""Several JavaScript modules as one, because modules in a single file cannot import each other."""

import re
from collections.abc import Callable, Sequence

IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function |class |const )", re.MULTILINE)


def join_modules(names: Sequence[str], read: Callable[[str], str]) -> str:
    """Return modules and everything that they import as one module, each once and after its imports.

    Modules import names with `import { a, b } from "./other.js";` and export declarations. Top-level names must be
    unique over all modules, because they share one scope.

    Args:
        names: File names of modules.
        read: Returns the text of a module by its file name.

    Raises:
        ValueError: If a module has an import or export of another form.
    """
    found: dict[str, str] = {}
    for name in names:
        _add(name, read, found)
    return "\n".join(found.values())


def _add(name: str, read: Callable[[str], str], found: dict[str, str], above: tuple[str, ...] = ()) -> None:
    if name in found:
        return
    if name in above:
        raise ValueError(f"{name} imports itself by way of {' and '.join(above)}")
    text = read(name)
    for imported in IMPORT.findall(text):
        _add(imported, read, found, (*above, name))
    text = EXPORT.sub("", IMPORT.sub("", text))
    if left := re.search(r"^(import|export)\b.*", text, re.MULTILINE):
        raise ValueError(f"{name} has an import or export of another form: {left.group()}")
    found[name] = text

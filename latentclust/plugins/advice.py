"""How to give a plugin that is missing, which depends on whether it was a file, a module or a class."""

from pathlib import Path
from typing import Literal

Form = Literal["file", "module", "class"]
"""What a plugin is given as."""


def how_to_give(name: str, form: Form, copy: Path) -> str:
    """Return how to give a plugin.

    Args:
        name: Name of the file, the module or the class.
        form: What it was given as.
        copy: Where the copy of its source would be. Only a file can be given by its copy, because the copy of a class
            lacks the imports, and that of a module those of its package.
    """
    kept = copy.is_file()
    if form == "class":
        return f"Pass plugins=[{name}] in Python" + (f"; its definition is in {copy}" if kept else "")
    if form == "module":
        return f"Pass --plugin {name}, the name of an importable module" + (f"; its text is in {copy}" if kept else "")
    return f"Pass --plugin {name}" + (f"; the run's copy is {copy}" if kept else "")

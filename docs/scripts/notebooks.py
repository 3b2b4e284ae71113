"""Run the notebooks of docs/tutorials in a new folder and store them with their outputs.

python docs/scripts/notebooks.py [NOTEBOOK]...
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = tuple(sorted((ROOT / "docs" / "tutorials").glob("*.ipynb")))

SECONDS = 600
"""Longest duration of a cell."""


def executed(path: Path, folder: Path) -> Any:
    """Return a notebook that was run in a folder, without times and warnings. A cell that fails raises an error."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook.metadata["language_info"] = {"name": "python"}
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        if "outputs" in cell:
            cell.outputs = [_without_metadata(output) for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def _without_metadata(output: Any) -> Any:
    return nbformat.from_dict({name: {} if name == "metadata" else value for name, value in output.items()})


def main() -> None:
    """Run and store the given notebooks, or all."""
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(path, Path(folder)), path)


if __name__ == "__main__":
    main()

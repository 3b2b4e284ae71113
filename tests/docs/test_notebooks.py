"""The notebooks of docs/tutorials: they run, and their stored outputs are small and name no machine."""

import json
import re
from pathlib import Path

import pytest

from tests.docs.scripts import load_script

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))

LARGEST = 500_000
"""Largest number of bytes of all notebooks together."""

LOCAL = re.compile(r"(?<![\w.>/])/(?:work|home|root|tmp|usr|Users|opt)/|site-packages|Traceback")


def test_stored_notebooks_are_executed_and_small():
    assert [path.stem for path in NOTEBOOKS] == ["images-notebook", "scene-notebook"]
    assert sum(path.stat().st_size for path in NOTEBOOKS) < LARGEST
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert not LOCAL.search(text), LOCAL.search(text)
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
        assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
        assert any("latentclust-card" in str(output) for cell in cells for output in cell["outputs"])


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    ran = load_script("docs/scripts/notebooks.py").executed(path, tmp_path)
    assert not LOCAL.search(json.dumps(ran))
    shown = [
        output for cell in ran.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert shown

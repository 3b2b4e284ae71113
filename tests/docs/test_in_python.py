"""The lesson in Python works word for word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = "docs/tutorials/in-python.md"


@pytest.mark.slow
def test_it_works_word_for_word(page, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "lesson.py").write_text("\n".join(page(PAGE).blocks("python")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "lesson.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    agreement, accuracy, equal = map(float, done.stdout.split()[-3:])
    assert agreement > 0.8
    assert accuracy > 0.803  # of k-means
    assert equal == 1
    assert (tmp_path / "digits.safetensors").is_file()
    assert (tmp_path / "runs" / "mine" / "report.html").is_file()


@pytest.mark.slow
def test_its_command_suggests_a_number(page, tmp_path: Path):
    (command,) = page(PAGE).blocks("sh")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "runs" / "choose-k" / "choose_k.json").read_text())
    assert [score["clusters"] for score in found["scores"]] == [*range(8, 13)]
    assert all(score["subsamples"]["mean"] > 0 for score in found["scores"])
    assert found["suggestion"]["sentence"]

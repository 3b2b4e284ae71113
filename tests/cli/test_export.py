"""`latentclust export`."""

import pytest

from latentclust.model import onnx_export, onnx_requirements


def test_a_missing_package_and_another_suffix_are_told_before_the_model_is_read(cli, tmp_path, monkeypatch):
    outcome = cli("export", tmp_path / "none", "--onnx", tmp_path / "model.pt")
    assert outcome.code == 2
    assert outcome.err.startswith("error: --onnx: ")
    assert "model.pt must be an .onnx file" in outcome.err
    monkeypatch.setattr(onnx_requirements, "find_spec", lambda name: None if name == "onnxscript" else name)
    outcome = cli("export", tmp_path / "none", "--onnx", tmp_path / "model.onnx")
    assert outcome.code == 2
    assert "need onnxscript, which is not installed. Run pip install 'latentclust[onnx]'" in outcome.err


def test_a_missing_model_is_told(cli, tmp_path):
    outcome = cli("export", tmp_path / "none", "--onnx", tmp_path / "model.onnx")
    assert outcome.code == 2
    assert "does not exist" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_file_is_written_and_without_onnxruntime_not_compared(cli, trained, tmp_path, monkeypatch):
    outcome = cli("export", trained, "--onnx", tmp_path / "a.onnx")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(
        f"wrote {tmp_path / 'a.onnx'}, whose probabilities differ from the model's by at most"
    )
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None)
    outcome = cli("export", trained, "--onnx", tmp_path / "b.onnx")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"wrote {tmp_path / 'b.onnx'}\n"
    assert "install onnxruntime" in outcome.err

"""What an export to ONNX needs before a model is read: packages, and the name of the file."""

from importlib.util import find_spec
from pathlib import Path

from latentclust.errors import LatentclustError

NEEDED = ("onnx", "onnxscript")
"""Packages that the export needs. onnxruntime is used if it is installed."""

SUFFIX = ".onnx"


def check_onnx(out: Path) -> None:
    """Raise LatentclustError if a package that the export needs is missing, or the file has another suffix."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        what = f"ONNX files need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        raise LatentclustError.at("--onnx", what, "Run pip install 'latentclust[onnx]'")
    if out.suffix.lower() != SUFFIX:
        raise LatentclustError.at("--onnx", f"{out} must be an {SUFFIX} file", f"End the name in {SUFFIX}")

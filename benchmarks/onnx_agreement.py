"""Compare models with their ONNX files on their own data: `python benchmarks/onnx_agreement.py MODEL... [--record]`.

Exports each model, and computes all images of its data set by latentclust and by onnxruntime: the share of images, or
of pixels, with the same label, and the largest difference of probabilities. Prints JSON; --record also writes
benchmarks/results/onnx_agreement.json. Data sets are looked for as in training (LATENTCLUST_DATA).
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from latentclust.data.open_feed import map_batch, sequential
from latentclust.data.roots import data_roots
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.model.onnx_export import export_onnx
from latentclust.specs.data import ImageSource

LARGEST = 10_000
"""Maximum number of images of a data set."""


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/onnx_agreement.json")
    options = parser.parse_args()
    findings = {"models": [compared(load(path)) for path in options.models]}
    print(json.dumps(findings, indent=2))
    if options.record:
        from provenance import write

        versions = {package: __import__(package).__version__ for package in ("onnx", "onnxruntime", "onnxscript")}
        write("onnx_agreement", findings | {"onnx_versions": versions})


def compared(model: ClusteringModel) -> dict[str, Any]:
    """Return the agreement of a model with its ONNX file."""
    source = model.resolved.dataset.open(data_roots()).source
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = export_onnx(model, Path(folder) / "model.onnx").path
        seconds = time.perf_counter() - start
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        size = path.stat().st_size
    recipe = model.resolved.recipe
    return {
        "recipe": recipe.name,
        "inference": recipe.inference.use,
        "features": None if recipe.features is None else recipe.features.use,
        "images": min(len(source), LARGEST),
        "shape": list(source.shape),
        **agreement(model, session, source),
        "file_bytes": size,
        "export_seconds": round(seconds, 1),
    }


@torch.no_grad()
def agreement(model: ClusteringModel, session: onnxruntime.InferenceSession, source: ImageSource) -> dict[str, Any]:
    """Return the share of equal labels, and the largest differences of probabilities and of codes."""
    same = count = 0
    largest = 0.0
    size = map_batch(200, *source.shape[1:]) if model.per_pixel else 200
    batches = sequential(source, size, torch.device("cpu"))
    for expected, (images, at) in zip(model.posteriors(source, size), batches, strict=True):
        found = session.run(["probabilities", "labels"], {"images": images.numpy()})
        largest = max(largest, float(np.abs(found[0] - expected.probabilities.numpy()).max()))
        same += int((found[1] == expected.labels.numpy()).sum())
        count += found[1].size
        if int(at[-1]) >= LARGEST:
            break
    return {"labels": count, "share_of_equal_labels": same / count, "largest_difference_of_probabilities": largest}


if __name__ == "__main__":
    main()

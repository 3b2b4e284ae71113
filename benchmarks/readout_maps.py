"""Compare read-outs of label maps on nodes and on pixels: `python benchmarks/readout_maps.py RUN --images FOLDER`.

RUN is a run folder or model file of a clustered generator whose layers are interpolated from nodes, such as potsdam3;
FOLDER contains images of its size. They are read repeatedly, up to `--count`, so that one image has several chains. CPU
time of one thread with preprocessing. Equal labels: nodes against pixels with one seed, and pixels with two seeds,
which is the most that sampling allows.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from PIL import Image
from provenance import write
from torch import Tensor

from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.maps import LayeredGeneratorNetwork
from latentclust.specs.backbones import LayeredDecoder


class WithoutNodes(LayeredDecoder):
    """The same layers, of which an inference does not know that they are interpolated."""

    def __init__(self, body: LayeredDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, style: Tensor) -> Tensor:
        """Return the layers `(b, k, c, h, w)`."""
        layers: Tensor = self.body(style)
        return layers


def main() -> None:
    """Time both read-outs and write benchmarks/results/readout_maps.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20, help="number of images")
    parser.add_argument("--steps", type=int, help="Langevin steps of a sweep; those of the recipe by default")
    options = parser.parse_args()
    given = [f"--count {options.count}"] + ([] if options.steps is None else [f"--steps {options.steps}"])
    torch.set_num_threads(1)
    ours = with_steps(load(options.run), options.steps)
    generator = ours.networks["generator"]
    full = LayeredGeneratorNetwork(WithoutNodes(generator.body), generator.stride)
    theirs = replace(ours, networks={**ours.networks, "generator": full})
    once = np.stack([np.asarray(Image.open(path)).transpose(2, 0, 1) for path in sorted(options.images.iterdir())])
    images = np.resize(once, (options.count, *once.shape[1:]))
    labelled(ours, images[:1], seed=0)
    nodes, seconds = labelled(ours, images, seed=0)
    pixels, full_seconds = labelled(theirs, images, seed=0)
    again, again_seconds = labelled(theirs, images, seed=1)
    found = {
        "recipe": ours.resolved.loaded.recipe.name,
        "images": list(images.shape),
        "inference": ours.inference.model_dump(mode="json"),
        "seconds_nodes": seconds,
        "seconds_pixels": [full_seconds, again_seconds],
        "speedup": (full_seconds + again_seconds) / 2 / seconds,
        "equal_nodes_pixels": share(nodes, pixels),
        "equal_pixels_pixels": share(pixels, again),
        "equal_nodes_pixels_other_seed": share(nodes, again),
    }
    print(found)
    command = " ".join(["python benchmarks/readout_maps.py RUN --images FOLDER", *given])
    print(write("readout_maps", found, command))


def with_steps(model: ClusteringModel, steps: int | None) -> ClusteringModel:
    """Return the model with another number of Langevin steps."""
    update = {} if steps is None else {"steps": steps}
    return replace(model, resolved=replace(model.resolved, inference=model.inference.model_copy(update=update)))


def labelled(model: ClusteringModel, images: np.ndarray, seed: int) -> tuple[Int64[Tensor, "b h w"], float]:
    """Return the labels and the CPU time in seconds."""
    start = time.process_time()
    labels = model.predict(images, seed=seed).labels
    return labels, time.process_time() - start


def share(one: Tensor, other: Tensor) -> float:
    """Return the share of equal labels."""
    return (one == other).double().mean().item()


if __name__ == "__main__":
    main()

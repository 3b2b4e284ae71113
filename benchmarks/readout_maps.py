"""Compare read-outs of label maps on nodes and on pixels: `python benchmarks/readout_maps.py FOLDER [--style 0.02]`.

FOLDER contains crops of 200x200 pixels, `crop_*.png`, such as those of ISPRS Potsdam. The model has the settings of the
recipe potsdam3, without its training: the colours of the clusters are the centroids of k-means of local statistics, and
the last layer of the decoder, through which the style acts, is drawn with the deviation `--style`. CPU time of one
thread. Equal labels: nodes against pixels with one seed, and pixels with two seeds, which is the most that sampling
allows.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from PIL import Image
from provenance import write
from sklearn.cluster import KMeans
from torch import Tensor

from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.inference.langevin_gibbs_maps import LangevinGibbsMaps
from latentclust.bundled.views.local_statistics import local_statistics
from latentclust.networks.maps import LayeredGeneratorNetwork
from latentclust.specs.backbones import LayeredDecoder
from latentclust.specs.inference import Model
from latentclust.tensors import Images

PRIOR = CategoricalMap(clusters=3, style_dim=8, style_stride=40, coupling=2.0)
INFERENCE = LangevinGibbsMaps(steps=10, step_size=0.0005, noise=0.12)
WINDOW, THIN = 9, 20


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
    parser.add_argument("folder", type=Path)
    parser.add_argument("--style", type=float, default=0.02)
    options = parser.parse_args()
    torch.set_num_threads(1)
    paths = [path for path in sorted(options.folder.glob("crop_*.png")) if "label" not in path.name]
    crops = torch.from_numpy(np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]))
    images = Images(torch.cat(local_statistics(crops.permute(0, 3, 1, 2) / 255, WINDOW), dim=1))
    body = decoder(images, options.style)
    ours, theirs = (
        Model({"generator": LayeredGeneratorNetwork(each, PRIOR.style_stride).eval()}, PRIOR)
        for each in (body, WithoutNodes(body))
    )
    labelled(ours, Images(images[:1]), seed=0)
    nodes, seconds = labelled(ours, images, seed=0)
    pixels, full_seconds = labelled(theirs, images, seed=0)
    again, again_seconds = labelled(theirs, images, seed=1)
    found = {
        "images": list(images.shape),
        "prior": PRIOR.model_dump(mode="json"),
        "inference": INFERENCE.model_dump(mode="json"),
        "seconds_nodes": seconds,
        "seconds_pixels": [full_seconds, again_seconds],
        "speedup": (full_seconds + again_seconds) / 2 / seconds,
        "equal_nodes_pixels": share(nodes, pixels),
        "equal_pixels_pixels": share(pixels, again),
        "equal_nodes_pixels_other_seed": share(nodes, again),
        "shares_of_clusters": [share(nodes, torch.full_like(nodes, k)) for k in range(PRIOR.clusters)],
    }
    print(found)
    print(write("readout_maps", found, f"python benchmarks/readout_maps.py FOLDER --style {options.style:g}"))


def decoder(images: Images, style: float) -> LayeredDecoder:
    """Return a decoder with the colours of k-means and a random style of the given deviation."""
    torch.manual_seed(0)
    spec = LayeredDecoderNetwork(output="linear", spread=0.1)
    body = spec.layered_decoder(PRIOR.clusters, PRIOR.style_dim, PRIOR.style_stride, tuple(images.shape[1:]))
    pixels = images.permute(0, 2, 3, 1).flatten(0, 2)[::THIN].double().numpy()
    centres = KMeans(PRIOR.clusters, n_init=1, random_state=0).fit(pixels).cluster_centers_
    body.palette.data = torch.from_numpy(centres).float()
    torch.nn.init.normal_(body.last.weight, std=style)
    return body.requires_grad_(False)


def labelled(model: Model, images: Images, seed: int) -> tuple[Int64[Tensor, "b h w"], float]:
    """Return the labels and the CPU time in seconds."""
    start = time.process_time()
    posterior = INFERENCE.posterior(model, images, {}, torch.Generator().manual_seed(seed))
    return posterior.probabilities.argmax(dim=1), time.process_time() - start


def share(one: Tensor, other: Tensor) -> float:
    """Return the share of equal labels."""
    return (one == other).double().mean().item()


if __name__ == "__main__":
    main()

"""Compare a Langevin step with the generator alone: `python benchmarks/langevin.py [--blocks 30] [--threads 1]`.

The step of Eq. 3 (Zhu et al. 2019) with a chain for every cluster, b K rows, compared with the generator's forward pass
and its backward pass to the latent with held parameters, on the same number of rows, in interleaved blocks of one
process; CPU time where there is no GPU, wall time of synchronised blocks where there is one. Target: at most 1.1 times
as long.
"""

import argparse
import statistics
from collections.abc import Callable

import torch
from provenance import write
from torch import nn
from train_throughput import timed

from latentclust.bundled.backbones.mlp import Mlp
from latentclust.bundled.backbones.strided import Conv28
from latentclust.bundled.inference.langevin import JointDensity, langevin
from latentclust.bundled.inference.langevin_gibbs import repeat_for_clusters
from latentclust.networks.images import GeneratorNetwork
from latentclust.tensors import Images, Latent, Shape

CLUSTERS, NOISE, STEP_SIZE = 10, 0.3, 0.01

SETTINGS: dict[str, tuple[Shape, int, int]] = {"mnist": ((1, 28, 28), 100, 64), "digits": ((1, 8, 8), 3, 256)}
"""Shape of an image, style size, and images per batch."""


def main() -> None:
    """Time both settings in fp32 and bf16 and write benchmarks/results/langevin.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--steps", type=int, default=10, help="Langevin steps per block")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = {
        f"{name}-{precision}": measure(name, precision == "bf16", options.blocks, options.steps)
        for name in SETTINGS
        for precision in ("fp32", "bf16")
    }
    for name, row in found.items():
        print(f"{name}: Langevin step / generator = {row['ratio']:.3f} ({row['steps_per_s']:.1f} steps per second)")
    print(write("langevin", {"blocks": options.blocks, "steps": options.steps, "results": found}))


def measure(name: str, bf16: bool, blocks: int, steps: int) -> dict[str, float]:
    """Return medians over interleaved blocks."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        sampler, generator = rivals(name, device, steps)
        ours: list[float] = []
        theirs: list[float] = []
        for block in range(blocks + 2):
            pair = ((ours, sampler), (theirs, generator))
            for seconds, play in pair if block % 2 else reversed(pair):
                seconds.append(timed(play, 1))
    ours, theirs = ours[2:], theirs[2:]
    return {
        "ratio": statistics.median(ours) / statistics.median(theirs),
        "paired_ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "steps_per_s": steps / statistics.median(ours),
    }


def rivals(name: str, device: torch.device, steps: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return functions that do `steps` Langevin steps, and as many forward and backward passes of the generator."""
    shape, style_dim, batch = SETTINGS[name]
    torch.manual_seed(0)
    network = decoder(name, CLUSTERS + style_dim, shape).to(device).eval().requires_grad_(False)
    rng = torch.Generator(device).manual_seed(0)
    images, category = repeat_for_clusters(Images(torch.rand(batch, *shape, device=device)), CLUSTERS)
    style = torch.randn(len(images), style_dim, device=device)
    joint = JointDensity(network, NOISE, width=1.0)

    def sampler() -> object:
        return langevin(joint, images, category, style, steps, STEP_SIZE, rng)

    def generator() -> None:
        for _ in range(steps):
            leaf = style.detach().requires_grad_()
            drawn = network(Latent(category=category, style=leaf))
            torch.autograd.grad(drawn, leaf, images)  # any cotangent of the images' shape

    return sampler, generator


def decoder(name: str, width: int, shape: Shape) -> nn.Module:
    """Return the generator of the recipe."""
    body = Conv28(norm="none", activation="relu", output="sigmoid") if name == "mnist" else Mlp(output="sigmoid")
    return GeneratorNetwork(body.decoder(width, shape))


if __name__ == "__main__":
    main()

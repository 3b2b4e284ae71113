"""Images of any size for networks that read multiples of their stride: padded at the bottom and right, then cropped."""

from collections.abc import Mapping
from math import lcm

from torch import nn
from torch.nn import functional

from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Images, Posterior

STRIDED = (EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork)
"""The networks of label maps."""


def stride_of(networks: Mapping[str, nn.Module], prior: PriorSpec) -> int:
    """Pixels of which the sides of images must be multiples; 1 for a prior of whole images.

    It is the least common multiple of the strides of the networks and of the prior's grid of styles.
    """
    if not isinstance(prior, MapPriorSpec):
        return 1
    return lcm(prior.style_stride, *(network.stride for network in networks.values() if isinstance(network, STRIDED)))


def padded(images: Images, stride: int) -> Images:
    """Images `(b, c, h, w)` with sides that are multiples of `stride`.

    The new pixels mirror those before the border, or repeat the border where there are too few of them.
    """
    if stride == 1:
        return images
    height, width = images.shape[-2:]
    down, right = -height % stride, -width % stride
    mode = "reflect" if down < height and right < width else "replicate"
    return Images(functional.pad(images, (0, right, 0, down), mode=mode)) if down or right else images


def cropped(posterior: Posterior, height: int, width: int) -> Posterior:
    """The posterior of the upper left pixels alone; the style, on a coarser grid, stays whole."""
    return Posterior(posterior.probabilities[..., :height, :width], posterior.style)

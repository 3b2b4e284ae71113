"""Role networks of label maps: bodies that read every pixel with 1x1 heads, and a generator of layers."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.specs.backbones import LayeredDecoder, MapExtractor
from latentclust.tensors import ClusterImages, Code, Features, HeadLogits, Images, Latent


class TrunkMapNetwork(nn.Module):
    """A trunk: a network from images, or another trunk's map, to a map of features that several networks share.

    Args:
        body: Body of the backbone.
        stride: Stride of the map that the body reads; 1 for images.
    """

    def __init__(self, body: MapExtractor, stride: int = 1) -> None:
        super().__init__()
        self.body = body
        self.stride = stride * body.stride

    def forward(self, sample: Images | Features) -> Features:
        """Return the features, `(b, width, y, x)`, at the stride of the network."""
        return Features(self.body(sample))

    def represent(self, sample: Tensor) -> Tensor:
        """Return the features in float32."""
        representation: Tensor = self.body(sample)
        return representation.float()


class HeadsMapNetwork(nn.Module):
    """Heads: a network from images, or a trunk's map, to the cluster logits of every pixel by several sub-heads (IIC).

    Args:
        body: Body of the backbone.
        heads: Number of sub-heads, which are 1x1 convolutions.
        clusters: Number of clusters of each sub-head.
        stride: Stride of the map that the body reads; 1 for images.
    """

    def __init__(self, body: MapExtractor, heads: int, clusters: int, stride: int = 1) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Conv2d(body.width, heads * clusters, 1)
        self.heads, self.clusters, self.stride = heads, clusters, stride * body.stride

    def forward(self, sample: Images | Features) -> HeadLogits:
        """Return the logits at the size of the images, `(b, heads, clusters, h, w)`, interpolated from the map."""
        logits = enlarged(self.head(self.body(sample)).float(), self.stride)
        return HeadLogits(logits.view(logits.shape[0], self.heads, self.clusters, *logits.shape[2:]))

    def represent(self, sample: Tensor) -> Tensor:
        """Return the input of the heads, `(b, width, h', w')` float32."""
        representation: Tensor = self.body(sample)
        return representation.float()


class EncoderMapNetwork(nn.Module):
    """An encoder: a network from images, or a trunk's map, to logits of every pixel and a style on a coarser grid.

    The style, and with `log_variance` its log variance, is computed from the body's map averaged over each cell of the
    grid.

    Args:
        body: Body of the backbone.
        clusters: Number of clusters.
        style_dim: Number of style values per cell.
        style_stride: Pixels of the image per cell, in each axis; a multiple of the stride of the network.
        log_variance: Whether the network also computes the log variance of the style.
        stride: Stride of the map that the body reads; 1 for images.
    """

    def __init__(
        self,
        body: MapExtractor,
        clusters: int,
        style_dim: int,
        style_stride: int,
        log_variance: bool = False,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.body = body
        self.logits = nn.Conv2d(body.width, clusters, 1)
        self.style = nn.Conv2d(body.width, style_dim * (1 + log_variance), 1)
        self.stride = stride * body.stride
        self.pool = nn.AvgPool2d(style_stride // self.stride)
        self.style_dim, self.log_variance = style_dim, log_variance

    def forward(self, sample: Images | Features) -> Code:
        """Return the code of a batch."""
        features = self.body(sample)
        logits = enlarged(self.logits(features).float(), self.stride)
        style, rest = (
            self.style(self.pool(features)).float().split((self.style_dim, self.style_dim * self.log_variance), dim=1)
        )
        none = logits.new_zeros(logits.shape[0], 0)
        return Code(logits, style, none, log_variance=rest if self.log_variance else None)

    def represent(self, sample: Tensor) -> Tensor:
        """Return the input of the heads, `(b, width, h', w')` float32."""
        representation: Tensor = self.body(sample)
        return representation.float()


class LayeredGeneratorNetwork(nn.Module):
    """A generator of label maps: every cluster draws a layer, and the label map selects the visible one.

    Args:
        body: Decoder of the layers.
        style_stride: Pixels of the image per cell of the style's grid, in each axis.
    """

    def __init__(self, body: LayeredDecoder, style_stride: int) -> None:
        super().__init__()
        self.body = body
        self.stride = style_stride

    def per_cluster(self, style: Tensor) -> ClusterImages:
        """Return every cluster's layer, `(b, k, c, h, w)` float32."""
        return ClusterImages(self.body(style).float())

    def nodes(self, style: Tensor) -> Tensor | None:
        """Return the values that the layers are interpolated from, `(b, k, c, y, x)` float32. None if they are not."""
        nodes = self.body.nodes(style)
        return None if nodes is None else nodes.float()

    def forward(self, latent: Latent) -> Images:
        """Return the images of a batch of latents: the layers, weighted by the category of each pixel."""
        return compose(latent.category, self.per_cluster(latent.style))


def compose(category: Tensor, layers: ClusterImages) -> Images:
    """Return images `(b, c, h, w)` composed of layers `(b, k, c, h, w)`, weighted by categories `(b, k, h, w)`."""
    return Images(torch.einsum("bkhw,bkchw->bchw", category, layers))


def enlarged(maps: Tensor, stride: int) -> Tensor:
    """Return maps `(b, c, h, w)` interpolated bilinearly to `stride` times their size."""
    if stride == 1:
        return maps
    return functional.interpolate(maps, scale_factor=float(stride), mode="bilinear", align_corners=False)

"""Role networks of label maps: a body that reads every pixel with 1x1 heads, and a generator of layers."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentclust.specs.backbones import LayeredDecoder, MapExtractor
from latentclust.tensors import ClusterImages, Code, Features, HeadLogits, Images, Latent


class TrunkMapNetwork(nn.Module):
    """Images, or another trunk's map, to a map of features that several heads share."""

    def __init__(self, body: MapExtractor, stride: int = 1) -> None:
        """Wraps a body, which needs no head; `stride` is that of the map that it reads, 1 for images."""
        super().__init__()
        self.body = body
        self.stride = stride * body.stride

    def forward(self, sample: Images | Features) -> Features:
        """The features, `(b, width, y, x)`, at the network's stride."""
        return Features(self.body(sample))

    def represent(self, sample: Tensor) -> Tensor:
        """The same in float32."""
        representation: Tensor = self.body(sample)
        return representation.float()


class HeadsMapNetwork(nn.Module):
    """Images, or a trunk's map, to the cluster logits of every pixel by several sub-heads (IIC)."""

    def __init__(self, body: MapExtractor, heads: int, clusters: int, stride: int = 1) -> None:
        """Puts `heads` 1x1 heads on a body; `stride` is that of the map that the body reads, 1 for images."""
        super().__init__()
        self.body = body
        self.head = nn.Conv2d(body.width, heads * clusters, 1)
        self.heads, self.clusters, self.stride = heads, clusters, stride * body.stride

    def forward(self, sample: Images | Features) -> HeadLogits:
        """The logits at the images' own size, `(b, heads, clusters, h, w)`: interpolated from a coarser map."""
        logits = enlarged(self.head(self.body(sample)).float(), self.stride)
        return HeadLogits(logits.view(len(logits), self.heads, self.clusters, *logits.shape[2:]))

    def represent(self, sample: Tensor) -> Tensor:
        """What the heads read, `(b, width, h', w')`."""
        representation: Tensor = self.body(sample)
        return representation.float()


class EncoderMapNetwork(nn.Module):
    """Images, or a trunk's map, to a code of every pixel: logits at the images' size, a style on a coarser grid.

    The style is read from the body's map averaged over each cell of its grid; with `log_variance` its variance too.
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
        """Puts the heads on a body; `stride` is that of the map that it reads, 1 for images.

        The stride that both come to divides `style_stride`.
        """
        super().__init__()
        self.body = body
        self.logits = nn.Conv2d(body.width, clusters, 1)
        self.style = nn.Conv2d(body.width, style_dim * (1 + log_variance), 1)
        self.stride = stride * body.stride
        self.pool = nn.AvgPool2d(style_stride // self.stride)
        self.style_dim, self.log_variance = style_dim, log_variance

    def forward(self, sample: Images | Features) -> Code:
        """The code of a batch."""
        features = self.body(sample)
        logits = enlarged(self.logits(features).float(), self.stride)
        style, rest = (
            self.style(self.pool(features)).float().split((self.style_dim, self.style_dim * self.log_variance), dim=1)
        )
        none = logits.new_zeros(len(logits), 0)
        return Code(logits, style, none, log_variance=rest if self.log_variance else None)

    def represent(self, sample: Tensor) -> Tensor:
        """What the heads read, `(b, width, h', w')`."""
        representation: Tensor = self.body(sample)
        return representation.float()


class LayeredGeneratorNetwork(nn.Module):
    """Label maps and styles to images: each cluster draws a whole layer, and the label map says which one shows."""

    def __init__(self, body: LayeredDecoder, style_stride: int) -> None:
        """Wraps a decoder of layers."""
        super().__init__()
        self.body = body
        self.stride = style_stride

    def per_cluster(self, style: Tensor) -> ClusterImages:
        """Every cluster's layer, `(b, k, c, h, w)`, float32."""
        return ClusterImages(self.body(style).float())

    def forward(self, latent: Latent) -> Images:
        """The images of a batch of latents: the layers, weighed by each pixel's category."""
        return compose(latent.category, self.per_cluster(latent.style))


def compose(category: Tensor, layers: ClusterImages) -> Images:
    """The picture that categories `(b, k, h, w)` make of layers `(b, k, c, h, w)`."""
    return Images(torch.einsum("bkhw,bkchw->bchw", category, layers))


def enlarged(maps: Tensor, stride: int) -> Tensor:
    """Maps `(b, c, h, w)` interpolated bilinearly to `stride` times their size."""
    if stride == 1:
        return maps
    return functional.interpolate(maps, scale_factor=float(stride), mode="bilinear", align_corners=False)

"""Role networks: a backbone's body with the head that its role asks for, float32 at the end."""

import torch
from torch import Tensor, nn

from latentclust.specs.backbones import Extractor, LayeredDecoder, MapExtractor
from latentclust.tensors import Code, Features, HeadLogits, Images, Latent, Scores, Similarities, Vectors

NORMAL_STD = 0.02  # Radford et al. 2016 (DCGAN), section 4


class EncoderNetwork(nn.Module):
    """Images, or features, to a code: one head, linear unless given, whose first `clusters` columns are logits.

    The next are the style. With `log_variance` as many columns again are the log variances of the style.
    """

    def __init__(
        self,
        body: Extractor,
        clusters: int,
        style_dim: int,
        log_variance: bool = False,
        head: nn.Module | None = None,
    ) -> None:
        """Puts the head on a body."""
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, clusters + style_dim * (1 + log_variance)) if head is None else head
        self.clusters, self.style_dim, self.log_variance = clusters, style_dim, log_variance

    def forward(self, sample: Images | Features) -> Code:
        """The code of a batch."""
        representation, features = self.body(sample)
        code = self.head(representation).float()
        logits, style, rest = code.split((self.clusters, self.style_dim, self.style_dim * self.log_variance), dim=1)
        return Code(logits, style, features, log_variance=rest if self.log_variance else None)

    def represent(self, sample: Tensor) -> Tensor:
        """What the head reads, `(b, width)`."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class CriticNetwork(nn.Module):
    """Images, latent vectors or features to one score each."""

    def __init__(self, body: Extractor) -> None:
        """Puts a linear head on a body."""
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1)

    def forward(self, sample: Images | Vectors | Features) -> Scores:
        """The scores of a batch, `(b,)`."""
        return Scores(self.head(self.body(sample)[0]).flatten().float())

    def represent(self, sample: Tensor) -> Tensor:
        """What the head reads, `(b, width)`: the features phi(x) that ClusterGAN's baseline clusters."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class DiscriminatorNetwork(nn.Module):
    """Pairs of features and latent vectors to one logit each.

    The first layer of the body sees both side by side (DCCS, Table 10).
    """

    def __init__(self, body: Extractor) -> None:
        """Puts a linear head on a body that reads `feature_width + latent width` values."""
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1)

    def forward(self, features: Features, vectors: Vectors) -> Scores:
        """The logits of a batch of pairs, `(b,)`."""
        pairs = torch.cat((features, vectors.to(features.dtype)), dim=1)
        return Scores(self.head(self.body(pairs)[0]).flatten().float())


class HeadsNetwork(nn.Module):
    """Images, or features, to the cluster logits of several sub-heads that share a body (IIC)."""

    def __init__(self, body: Extractor, heads: int, clusters: int) -> None:
        """Puts `heads` linear heads of `clusters` columns each, drawn independently, on a body."""
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, heads * clusters)
        self.heads, self.clusters = heads, clusters

    def forward(self, sample: Images | Features) -> HeadLogits:
        """The logits of a batch, `(b, heads, clusters)`."""
        logits = self.head(self.body(sample)[0]).float()
        return HeadLogits(logits.view(len(logits), self.heads, self.clusters))

    def represent(self, sample: Tensor) -> Tensor:
        """What the heads read, `(b, width)`."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class CentroidsNetwork(nn.Module):
    """Features, flat or a map, to their similarities with every cluster's centroid."""

    def __init__(self, body: nn.Module) -> None:
        """Wraps a body, which needs no head."""
        super().__init__()
        self.body = body

    def forward(self, features: Features) -> Similarities:
        """The similarities, `(b, k, *s)`."""
        return Similarities(self.body(features).float())


class TrunkNetwork(nn.Module):
    """Images, or another trunk's features, to the features that several networks share."""

    def __init__(self, body: Extractor) -> None:
        """Wraps a body, which needs no head."""
        super().__init__()
        self.body = body

    def forward(self, sample: Images | Features) -> Features:
        """The representation, `(b, width)`."""
        return Features(self.body(sample)[0])

    def represent(self, sample: Tensor) -> Tensor:
        """The same representation in float32."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class GeneratorNetwork(nn.Module):
    """Latents to images."""

    def __init__(self, body: nn.Module) -> None:
        """Wraps a decoder."""
        super().__init__()
        self.body = body

    def forward(self, latent: Latent) -> Images:
        """The images of a batch of latents."""
        return Images(self.body(latent.vector()).float())


def initialise(network: nn.Module, init: str) -> None:
    """Draws the weights of linear and (transposed) convolutional layers anew and zeroes their biases.

    Args:
        network: The network; layers of other kinds, and pretrained ones, are left as they are.
        init: `xavier-normal` (Glorot and Bengio 2010, Eq. 12), `normal` (N(0, 0.02)), or `default` for torch's own.
    """
    if init == "default":
        return
    bodies = [module for module in network.modules() if isinstance(module, Extractor | MapExtractor | LayeredDecoder)]
    preset = {id(part) for body in bodies for loaded in body.preset() for part in loaded.modules()}
    for module in network.modules():
        if id(module) not in preset and isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            if init == "xavier-normal":
                nn.init.xavier_normal_(module.weight)
            else:
                nn.init.normal_(module.weight, std=NORMAL_STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

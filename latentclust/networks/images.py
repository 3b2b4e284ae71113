"""Role networks of whole samples: the body of a backbone with the head of a role, whose output is float32."""

import torch
from torch import Tensor, nn

from latentclust.specs.backbones import Extractor, LayeredDecoder, MapExtractor
from latentclust.tensors import Code, Features, HeadLogits, Images, Latent, Scores, Similarities, Vectors

NORMAL_STD = 0.02  # Radford et al. 2016 (DCGAN), section 4


class EncoderNetwork(nn.Module):
    """An encoder: a network from images, or a trunk's features, to a code.

    The first `clusters` columns of the head are the logits, and the next `style_dim` the style. With `log_variance`, as
    many columns follow for the log variance of the style.

    Args:
        body: Body of the backbone.
        clusters: Number of clusters.
        style_dim: Number of style values.
        log_variance: Whether the network also computes the log variance of the style.
        head: Head of the backbone. Defaults to a linear layer. The log variance then has a linear layer of its own.
        categorical: Whether the prior has categories.
    """

    def __init__(
        self,
        body: Extractor,
        clusters: int,
        style_dim: int,
        log_variance: bool = False,
        head: nn.Module | None = None,
        categorical: bool = True,
    ) -> None:
        super().__init__()
        self.body = body
        own = log_variance and head is not None
        self.head = nn.Linear(body.width, clusters + style_dim * (1 + log_variance)) if head is None else head
        self.variance_head = nn.Linear(body.width, style_dim) if own else None
        self.clusters, self.style_dim, self.log_variance = clusters, style_dim, log_variance
        self.categorical = categorical

    def forward(self, sample: Images | Features) -> Code:
        """Return the code of a batch."""
        representation, features = self.body(sample)
        code = self.head(representation).float()
        if self.variance_head is not None:
            code = torch.cat((code, self.variance_head(representation).float()), dim=1)
        logits, style, rest = code.split((self.clusters, self.style_dim, self.style_dim * self.log_variance), dim=1)
        return Code(logits, style, features, rest if self.log_variance else None, self.categorical)

    def represent(self, sample: Tensor) -> Tensor:
        """Return the input of the head, `(b, width)` float32."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class CriticNetwork(nn.Module):
    """A critic: a network from images, latent vectors or features to one score each, by a linear head."""

    def __init__(self, body: Extractor) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1)

    def forward(self, sample: Images | Vectors | Features) -> Scores:
        """Return the scores of a batch, `(b,)`."""
        return Scores(self.head(self.body(sample)[0]).flatten().float())

    def represent(self, sample: Tensor) -> Tensor:
        """Return the input of the head, `(b, width)` float32: phi(x), which ClusterGAN's baseline clusters."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class DiscriminatorNetwork(nn.Module):
    """A discriminator: a network from pairs of features and latent vectors to one logit each.

    The first layer of the body reads both, concatenated (DCCS, Table 10): `feature_width + latent width` values.
    """

    def __init__(self, body: Extractor) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1)

    def forward(self, features: Features, vectors: Vectors) -> Scores:
        """Return the logits of a batch of pairs, `(b,)`."""
        pairs = torch.cat((features, vectors.to(features.dtype)), dim=1)
        return Scores(self.head(self.body(pairs)[0]).flatten().float())


class HeadsNetwork(nn.Module):
    """Heads: a network from images, or a trunk's features, to the cluster logits of several sub-heads (IIC).

    Args:
        body: Body of the backbone, which the sub-heads share.
        heads: Number of linear sub-heads.
        clusters: Number of clusters of each sub-head.
    """

    def __init__(self, body: Extractor, heads: int, clusters: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, heads * clusters)
        self.heads, self.clusters = heads, clusters

    def forward(self, sample: Images | Features) -> HeadLogits:
        """Return the logits of a batch, `(b, heads, clusters)`."""
        logits = self.head(self.body(sample)[0]).float()
        return HeadLogits(logits.view(logits.shape[0], self.heads, self.clusters))

    def represent(self, sample: Tensor) -> Tensor:
        """Return the input of the sub-heads, `(b, width)` float32."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class CentroidsNetwork(nn.Module):
    """Centroids: a network from features, flat or a map, or latents to their similarity with each centroid."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, features: Features | Vectors) -> Similarities:
        """Return the similarities, `(b, k, *s)`."""
        return Similarities(self.body(features).float())


class TrunkNetwork(nn.Module):
    """A trunk: a network from images, or another trunk's features, to features that several networks share."""

    def __init__(self, body: Extractor) -> None:
        super().__init__()
        self.body = body

    def forward(self, sample: Images | Features) -> Features:
        """Return the representation, `(b, width)`."""
        return Features(self.body(sample)[0])

    def represent(self, sample: Tensor) -> Tensor:
        """Return the representation, `(b, width)` float32."""
        representation: Tensor = self.body(sample)[0]
        return representation.float()


class GeneratorNetwork(nn.Module):
    """A generator: a network from latents to images.

    Args:
        body: Body of the backbone, which reads the latent vector and then the noise.
        noise_width: Number of noise values. A latent without noise has the noise 0, the mean of the prior.
    """

    def __init__(self, body: nn.Module, noise_width: int = 0) -> None:
        super().__init__()
        self.body = body
        self.noise_width = noise_width

    def forward(self, latent: Latent) -> Images:
        """Return the images of a batch of latents."""
        vector: Tensor = latent.vector()
        if self.noise_width:
            noise = vector.new_zeros(len(vector), self.noise_width) if latent.noise is None else latent.noise
            vector = torch.cat((vector, noise), dim=1)
        return Images(self.body(vector).float())


def initialise(network: nn.Module, init: str) -> int:
    """Initialise the weights of linear and (transposed) convolutional layers, and zero their biases.

    Args:
        network: The network. Layers of other kinds and pretrained layers do not change.
        init: `xavier-normal` (Glorot and Bengio 2010, Eq. 12), `normal` (N(0, 0.02)), or `default` for torch's own.

    Returns:
        Number of layers that were initialised.
    """
    if init == "default":
        return 0
    bodies = [module for module in network.modules() if isinstance(module, Extractor | MapExtractor | LayeredDecoder)]
    preset = {id(part) for body in bodies for loaded in body.preset() for part in loaded.modules()}
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    layers = [each for each in network.modules() if isinstance(each, kinds) and id(each) not in preset]
    for layer in layers:
        if init == "xavier-normal":
            nn.init.xavier_normal_(layer.weight)
        else:
            nn.init.normal_(layer.weight, std=NORMAL_STD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return len(layers)

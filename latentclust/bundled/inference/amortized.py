"""Inference by the encoder alone: DLS-Clustering 2019, section 4.2; DCCS 2020, section 3.3."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from torch import Tensor

from latentclust.api import Code, Images, InferenceSpec, LatentclustError, Model, Posterior


def read_code(model: Model, network: str, images: Images, trunk: str | None = None) -> Code:
    """Return the code of images, read through a shared trunk if one is named, or else as the recipe connects them.

    Raises:
        LatentclustError: If the network is not an encoder.
    """
    code = model.read(network, images) if trunk is None else model.networks[network](model.networks[trunk](images))
    if not isinstance(code, Code):
        raise LatentclustError.at("inference.network", f"{network!r} does not return a code", "Name an encoder")
    return code


@final
class Amortized(InferenceSpec):
    """Softmax of the encoder's logits as cluster probabilities, and the encoder's style. Nothing is fitted.

    Example:
        ```toml
        [inference]
        use = "amortized"
        network = "encoder"
        ```
    """

    reads_maps: ClassVar[bool] = True

    network: str = "encoder"
    """Name of the encoder."""

    trunk: str | None = None
    """Name of the trunk whose features the encoder reads, as in InfoGAN. None: what the recipe says it reads."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the encoder and its trunk."""
        return (self.network,) if self.trunk is None else (self.network, self.trunk)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the encoder's posterior. `state` and `rng` are not used."""
        code = read_code(model, self.network, images, self.trunk)
        return Posterior(probabilities=code.logits.float().softmax(dim=1), style=code.style.float())

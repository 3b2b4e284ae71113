"""The encoder's own answer: DLS-Clustering 2019, section 4.2; DCCS 2020, section 3.3."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from torch import Tensor

from latentclust.api import Code, Images, InferenceSpec, LatentclustError, Model, Posterior


def read_code(model: Model, network: str, images: Images, trunk: str | None = None) -> Code:
    """The code of images, by way of a shared trunk where one is named; raises LatentclustError for no encoder."""
    code = model.networks[network](images if trunk is None else model.networks[trunk](images))
    if not isinstance(code, Code):
        raise LatentclustError.at("inference.network", f"{network!r} does not return a code", "Name an encoder")
    return code


@final
class Amortized(InferenceSpec):
    """Softmax of the encoder's logits as cluster probabilities, and its style; one pass, nothing to fit."""

    reads_maps: ClassVar[bool] = True

    network: str = "encoder"
    """The name of the encoder that it reads."""

    trunk: str | None = None
    """The trunk whose features the encoder reads, for a system whose networks share one (InfoGAN)."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The encoder, and its trunk."""
        return (self.network,) if self.trunk is None else (self.network, self.trunk)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The encoder's posterior; `state` and `rng` are not read."""
        code = read_code(model, self.network, images, self.trunk)
        return Posterior(probabilities=code.logits.float().softmax(dim=1), style=code.style.float())

"""Recovery of the category from generated images: ClusterGAN 2019, Eq. 1; DLS-Clustering 2019, Eqs. 2 and 5."""

import math
from typing import ClassVar, final

from latentclust.api import Code, Latent, LossSpec, Scalar


@final
class CategoryRecovery(LossSpec):
    """Cross-entropy `H(zc, E(G(z))c)` in nats between the category that an image was generated from and its code.

    Example:
        ```toml
        [losses.category-recovery]
        use = "category-recovery"
        player = "generator"
        weight = 10.0
        ```
    """

    reads_style: ClassVar[bool] = False

    def __call__(self, code_of_fake: Code, prior_sample: Latent) -> Scalar:
        """Return the batch mean over logits and one-hot (or mixed) categories, `(b, k)` each."""
        log_probabilities = code_of_fake.logits.float().log_softmax(dim=1)
        return Scalar(-(prior_sample.category.float() * log_probabilities).sum(dim=1).mean())

    def chance(self, clusters: int) -> float | None:
        """Return log K, the value of equal probabilities."""
        return math.log(clusters)

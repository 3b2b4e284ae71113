"""Category term of the variational bound of the semi-supervised VAE (Kingma et al. 2014, Eq. 7)."""

import math
from typing import ClassVar, final

from latentclust.api import Code, LossSpec, Scalar


@final
class CategoryDivergence(LossSpec):
    """`KL(q(y|x) || uniform) = log K - H(q)` in nats, in [0, log K], mean over the batch.

    For label maps the divergences of the pixels are summed.

    Example:
        ```toml
        [losses.category]
        use = "category-divergence"
        player = "cvae"
        ```
    """

    reads_style: ClassVar[bool] = False

    def __call__(self, code_of_real: Code) -> Scalar:
        """Return the divergence from logits `(b, k)` or `(b, k, h, w)`."""
        log_q = code_of_real.logits.float().log_softmax(dim=1)
        pixels = log_q[0, 0].numel()
        return Scalar((log_q.exp() * log_q).flatten(1).sum(dim=1).mean() + pixels * math.log(log_q.shape[1]))

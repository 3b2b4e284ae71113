"""Values of the steps of DEC: the divergence from the target distribution, and the decoded embedding."""

from typing import final

from latentclust.api import Code, Generator, Images, Latent, LossSpec, PriorSpec, Scalar

from latentclust_dec.assignment import divergence
from latentclust_dec.whole_set import Target


@final
class TargetDivergence(LossSpec):
    """KL(target || soft assignments) in nats, mean over samples (Xie et al. 2016, Eq. 2)."""

    def __call__(self, code_of_real: Code, target: Target) -> Scalar:
        """Compute the term from logits `(b, k)`."""
        return Scalar(divergence(target.float(), code_of_real.logits.float().log_softmax(dim=1)))


def decoded_embedding(generator: Generator, code_of_real: Code, prior: PriorSpec) -> Images:
    """Return G(E(x)_n), decoded from the embedding with zeros as category, if any (Guo et al. 2017, Eq. 8)."""
    batch, _, *places = code_of_real.logits.shape
    category = code_of_real.style.new_zeros(batch, prior.categories, *places)
    return generator(Latent(category=category, style=code_of_real.style))

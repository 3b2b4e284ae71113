"""Mutual information between images and codes, estimated by a discriminator of pairs: DCCS 2020, Eq. 6."""

from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class MutualInformation(LossSpec):
    """`-(E[log S(D(x, z))] + E[log(1 - S(D(x, z')))])`, nats: z encodes x, z' encodes another image, S is the sigmoid.

    Its minimum over discriminators is `2 log 2 - 2 JS`, where JS is the Jensen-Shannon divergence between the joint and
    the product of the marginals (Eqs. 4 and 5). So `log 2 - loss / 2` estimates that information from below; it is at
    most log 2, and 0 for a discriminator at chance. In data-parallel training z' comes from the same device's batch.
    """

    def __call__(self, score_of_joint: Scores, score_of_marginal: Scores) -> Scalar:
        """The term over two batches of logits, `(b,)` each."""
        return Scalar(softplus(-score_of_joint.float()).mean() + softplus(score_of_marginal.float()).mean())

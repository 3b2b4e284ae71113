"""Generator side of the logistic GAN objective in its non-saturating form: Goodfellow et al. 2014, section 3."""

from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class GanGenerator(LossSpec):
    """`E[-log S(C(fake))]` in nats, where S is the sigmoid; at least 0.

    The gradient does not vanish if the critic recognises every generated image.

    Example:
        ```toml
        [losses.adversarial]
        use = "gan-generator"
        player = "generator"
        ```
    """

    def __call__(self, score_of_fake: Scores) -> Scalar:
        """Return the batch mean over logits `(b,)`."""
        return Scalar(softplus(-score_of_fake.float()).mean())

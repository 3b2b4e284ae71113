"""The generator's part of the logistic GAN objective, in its non-saturating form: Goodfellow et al. 2014, section 3."""

from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class GanGenerator(LossSpec):
    """`E[-log S(C(fake))]`, nats, S the sigmoid: its gradient does not vanish where the critic is sure of the fakes."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        """The term over a batch of logits `(b,)`."""
        return Scalar(softplus(-score_of_fake.float()).mean())

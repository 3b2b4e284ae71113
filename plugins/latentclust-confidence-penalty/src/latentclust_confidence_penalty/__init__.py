"""A penalty on confident cluster posteriors, as a plugin: Pereyra et al. 2017."""

from collections.abc import Mapping
from typing import final

from latentclust.api import Code, LossSpec, Scalar, hookimpl
from pydantic import PositiveFloat


@final
class ConfidencePenalty(LossSpec):
    """Minus the mean entropy of the cluster posterior, nats, in [-log K, 0]: least where every cluster is as likely.

    Pereyra et al. 2017, whose objective subtracts the entropy. A negative weight rewards confidence instead.
    """

    threshold: PositiveFloat | None = None
    """Entropy, nats, from which a posterior is pushed no further; none unless given."""

    def __call__(self, code: Code) -> Scalar:
        """The term over a batch of logits `(b, k)`; `on` says which code."""
        log_p = code.logits.float().log_softmax(dim=1)
        entropy = -(log_p.exp() * log_p).sum(dim=1)
        if self.threshold is not None:
            entropy = entropy.clamp(max=self.threshold)
        return Scalar(-entropy.mean())


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """The one loss."""
    return {"confidence-penalty": ConfidencePenalty}

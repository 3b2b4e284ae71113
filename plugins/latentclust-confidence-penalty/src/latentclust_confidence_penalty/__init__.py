"""A plugin with a penalty on confident cluster posteriors (Pereyra et al. 2017)."""

from collections.abc import Mapping
from typing import final

from latentclust.api import Code, LossSpec, Scalar, hookimpl
from pydantic import PositiveFloat


@final
class ConfidencePenalty(LossSpec):
    """Negative mean entropy of the cluster posterior in nats, in [-log K, 0]: minimal for the uniform posterior.

    Pereyra et al. 2017, whose objective subtracts the entropy. A negative weight rewards confidence instead.
    """

    threshold: PositiveFloat | None = None
    """Entropy in nats above which a posterior is not changed. Defaults to no threshold."""

    def __call__(self, code: Code) -> Scalar:
        """Compute the term from logits `(b, k)`. The recipe selects the code with `on`."""
        log_p = code.logits.float().log_softmax(dim=1)
        entropy = -(log_p.exp() * log_p).sum(dim=1)
        if self.threshold is not None:
            entropy = entropy.clamp(max=self.threshold)
        return Scalar(-entropy.mean())


@hookimpl
def provide_losses() -> Mapping[str, type[LossSpec]]:
    """Provide the loss."""
    return {"confidence-penalty": ConfidencePenalty}

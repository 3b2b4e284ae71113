"""Self-labelling of confident samples: SCAN (Van Gansbeke et al., ECCV 2020, section 2.3)."""

from typing import Annotated, final

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import HeadLogits, LossSpec, Scalar
from latentclust.bundled.losses.head_shapes import require_alike


@final
class SelfLabelling(LossSpec):
    """Cross-entropy of the clusters of a view, with the confident clusters of the images as labels, nats, at least 0.

    An image is confident if the probability of its cluster exceeds `threshold`; others do not count. Each cluster has
    the same weight, however many images of the batch are confidently in it. The loss is the mean over sub-heads, and 0
    without confident images. No gradient flows into the labels.

    Example:
        ```toml
        [losses.self-labelling]
        use = "self-labelling"
        player = "self-labelling"
        threshold = 0.99
        ```
    """

    threshold: Annotated[float, Field(ge=0, lt=1, examples=[0.0])] = 0.99
    """Probability above which a cluster becomes a label."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits) -> Scalar:
        """Return the loss of logits of images and of their views, `(b, h, k)` each.

        Raises:
            LatentclustError: If the shapes differ or the logits are label maps.
        """
        require_alike("self-labelling", heads_of_real, heads_of_view)
        labels = confident_labels(heads_of_real.detach().float().softmax(dim=2), self.threshold)
        # Each cluster has the weight 1, which its confident images share; clusters without any have none.
        counts = labels.sum(dim=0, keepdim=True)  # (1, h, k)
        weights = labels / counts.clamp_min(1)
        log_q = heads_of_view.float().log_softmax(dim=2)
        per_head = -(weights * log_q).sum(dim=(0, 2)) / (counts > 0).sum(dim=2).clamp_min(1).squeeze(0)
        return Scalar(per_head.mean())


def confident_labels(probabilities: Tensor, threshold: float) -> Tensor:
    """Return one-hot clusters `(b, h, k)` of the confident samples, and zeros for the others."""
    confidence, cluster = probabilities.max(dim=2)
    one_hot = functional.one_hot(cluster, probabilities.shape[2])
    return one_hot * (confidence > threshold).unsqueeze(2)

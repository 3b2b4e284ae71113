"""The check of losses that compare the sub-heads' logits of two batches."""

from latentclust.api import HeadLogits, LatentclustError


def require_alike(loss: str, one: HeadLogits, other: HeadLogits) -> None:
    """Raise LatentclustError, naming the loss, if two batches are not logits `(b, h, k)` of the same shape."""
    if one.dim() != 3 or one.shape != other.shape:
        raise LatentclustError.at(
            "losses",
            f"{loss} expects two batches of logits (b, h, k) of the same shape, "
            f"got {tuple(one.shape)} and {tuple(other.shape)}",
            "Bind both parameters to the same heads of whole images",
        )

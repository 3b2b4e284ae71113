"""Checks of the shapes of samples that views accept."""

from latentclust.api import LatentclustError, Shape

GREY_CHANNELS = 1
RGB_CHANNELS = 3


def image_shape(view: str, shape: Shape) -> tuple[int, int, int]:
    """Return channels, height and width. Raise LatentclustError that names `view` if samples are not images."""
    match shape:
        case (channels, height, width):
            return channels, height, width
    raise LatentclustError.at(
        view,
        f"samples have shape {shape}, not (channels, height, width)",
        "Remove this view, or use a data set of images",
    )


def colour_shape(view: str, shape: Shape) -> tuple[int, int, int]:
    """Return channels, height and width. Raise LatentclustError if samples are not images of 1 or 3 channels."""
    channels, height, width = image_shape(view, shape)
    if channels not in (GREY_CHANNELS, RGB_CHANNELS):
        raise LatentclustError.at(
            view,
            f"images have {channels} channels, but grey levels are defined for 1 or 3 channels only",
            "Select the red, green and blue channels of the data set, or remove this view",
        )
    return channels, height, width

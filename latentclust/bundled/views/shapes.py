"""Which samples a view can take."""

from latentclust.api import LatentclustError, Shape

GREY_CHANNELS = 1
RGB_CHANNELS = 3


def image_shape(view: str, shape: Shape) -> tuple[int, int, int]:
    """The shape as channels, height and width; raises LatentclustError naming `view` where samples are not images."""
    match shape:
        case (channels, height, width):
            return channels, height, width
    raise LatentclustError.at(
        view,
        f"samples have shape {shape}, not (channels, height, width)",
        "Remove this view, or use a data set of images",
    )


def colour_shape(view: str, shape: Shape) -> tuple[int, int, int]:
    """As `image_shape`, and raises LatentclustError where the channels are neither grey nor red, green and blue."""
    channels, height, width = image_shape(view, shape)
    if channels not in (GREY_CHANNELS, RGB_CHANNELS):
        raise LatentclustError.at(
            view,
            f"images have {channels} channels, and a grey level is defined for 1 or 3",
            "Select the red, green and blue channels of the data set, or remove this view",
        )
    return channels, height, width

"""The vocabulary of a training step of label maps: views moved back into place, layers, and what does not count."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, ClusterImages, HeadLogits, Images, Latent, LayeredGenerator, Mask


def aligned_heads_of_view(heads_of_view_features: HeadLogits, view_alignment: Alignment) -> HeadLogits:
    """Every sub-head's logits of the view, each pixel back where it stands in the image (IIC, section 3.3)."""
    return HeadLogits(moved_back(heads_of_view_features, view_alignment))


def aligned_overclusters_of_view(overclusters_of_view_features: HeadLogits, view_alignment: Alignment) -> HeadLogits:
    """The overclustering sub-heads' logits of the view, back in place."""
    return HeadLogits(moved_back(overclusters_of_view_features, view_alignment))


def visible(valid: Mask, view_alignment: Alignment) -> Mask:
    """Which pixels count and are seen in the view too."""
    return Mask(valid & seen_in_view(view_alignment, valid.shape[1:]))


def shown_sample(decoded_sample: Images, images: Images, valid: Mask) -> Images:
    """G(y, z) at sampled latents, and the image itself where pixels do not count, so that they cost nothing."""
    return Images(torch.where(valid[:, None], decoded_sample, images))


def layers(generator: LayeredGenerator, posterior_sample: Latent, images: Images, valid: Mask) -> ClusterImages:
    """Every cluster's layer at a sampled style, and the image itself where pixels do not count."""
    drawn = generator.per_cluster(posterior_sample.style)
    return ClusterImages(torch.where(valid[:, None, None], drawn, images[:, None]))


def moved_back(maps: Float[Tensor, "b h k y x"], alignment: Alignment) -> Float[Tensor, "b h k y x"]:
    """Maps of a view, sampled bilinearly where each of the image's own pixels lies in it; its edge repeats outside."""
    flat = maps.flatten(1, 2)
    grid = places_of_pixels(inverted(alignment), flat.shape[2:])
    sampled = functional.grid_sample(flat, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return sampled.view_as(maps)


def seen_in_view(alignment: Alignment, size: torch.Size) -> Bool[Tensor, "b y x"]:
    """Whether each pixel of the image lies within the view."""
    return places_of_pixels(inverted(alignment), size).abs().amax(dim=3) <= 1


def places_of_pixels(maps: Float[Tensor, "b 2 3"], size: torch.Size) -> Float[Tensor, "b y x 2"]:
    """Where affine maps take each pixel's centre: `affine_grid`, but for its product, which autocast would round."""
    down, across = (torch.arange(1 - side, side, 2, device=maps.device) / side for side in size)
    on_x, on_y, shift = maps[..., None, None].unbind(dim=2)  # (b, 2, 1, 1) each
    return (on_x * across + on_y * down[:, None] + shift).movedim(1, 3)


def inverted(alignment: Alignment) -> Alignment:
    """Where in the view each place of the image lies: the inverse affine maps, `(b, 2, 3)`.

    By the formula of 2x2 matrices: torch's own inverse waits for the device.
    """
    (a, b), (c, d) = (row.unbind(dim=1) for row in alignment[:, :, :2].unbind(dim=1))
    adjugate = torch.stack((d, -b, -c, a), dim=1).view(-1, 2, 2)
    linear = adjugate / (a * d - b * c)[:, None, None]
    shift = -(linear * alignment[:, None, :, 2]).sum(dim=2, keepdim=True)
    return Alignment(torch.cat((linear, shift), dim=2))


MAP_QUANTITIES = {
    function.__name__: function
    for function in (aligned_heads_of_view, aligned_overclusters_of_view, visible, shown_sample, layers)
}
"""Every quantity of label maps, by name."""

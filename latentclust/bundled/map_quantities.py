"""Quantities of a training step of label maps: aligned views, layers, and masks of invalid pixels."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, ClusterImages, HeadLogits, Images, Latent, LayeredGenerator, Mask


def aligned_heads_of_view(heads_of_view_features: HeadLogits, view_alignment: Alignment) -> HeadLogits:
    """Return the logits of the view from every sub-head, aligned with the pixels of the image (IIC, section 3.3)."""
    return HeadLogits(align_to_images(heads_of_view_features, view_alignment))


def aligned_overclusters_of_view(overclusters_of_view_features: HeadLogits, view_alignment: Alignment) -> HeadLogits:
    """Return the logits of the view from every overclustering sub-head, aligned with the pixels of the image."""
    return HeadLogits(align_to_images(overclusters_of_view_features, view_alignment))


def visible(valid: Mask, view_alignment: Alignment) -> Mask:
    """Return the mask of valid pixels that are also inside the view."""
    return Mask(valid & inside_view(view_alignment, valid.shape[1:]))


def shown_sample(decoded_sample: Images, images: Images, valid: Mask) -> Images:
    """Return G(y, z) at sampled latents, with invalid pixels replaced by the image, so that their error is 0."""
    return Images(torch.where(valid[:, None], decoded_sample, images))


def layers(generator: LayeredGenerator, posterior_sample: Latent, images: Images, valid: Mask) -> ClusterImages:
    """Return the layer of each cluster at a sampled style, with invalid pixels replaced by the image."""
    drawn = generator.per_cluster(posterior_sample.style)
    return ClusterImages(torch.where(valid[:, None, None], drawn, images[:, None]))


def align_to_images(maps: Float[Tensor, "b h k y x"], alignment: Alignment) -> Float[Tensor, "b h k y x"]:
    """Return maps of a view, sampled bilinearly at the pixels of the images. Border values repeat outside the view."""
    flat = maps.flatten(1, 2)
    grid = affine_grid(invert(alignment), flat.shape[2:])
    sampled = functional.grid_sample(flat, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return sampled.view_as(maps)


def inside_view(alignment: Alignment, size: torch.Size) -> Bool[Tensor, "b y x"]:
    """Return whether each pixel of the image is inside the view."""
    return affine_grid(invert(alignment), size).abs().amax(dim=3) <= 1


def affine_grid(maps: Float[Tensor, "b 2 3"], size: torch.Size) -> Float[Tensor, "b y x 2"]:
    """Return affine maps of the pixel centres, like torch's `affine_grid` without its product that autocast rounds."""
    down, across = (torch.arange(1 - side, side, 2, device=maps.device) / side for side in size)
    on_x, on_y, shift = maps[..., None, None].unbind(dim=2)  # (b, 2, 1, 1) each
    return (on_x * across + on_y * down[:, None] + shift).movedim(1, 3)


def invert(alignment: Alignment) -> Alignment:
    """Return the inverse affine maps `(b, 2, 3)`, from the image to the view.

    It uses the formula of 2x2 matrices, since torch.linalg.inv waits for the device.
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
"""Bundled quantities of label maps by name."""

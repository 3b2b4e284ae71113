"""Quantities of a training step, named and written like the equations of the papers."""

import torch

from latentclust.api import (
    ClusterImages,
    Code,
    Critic,
    Discriminator,
    Encoder,
    Features,
    Generator,
    HeadLogits,
    Heads,
    Images,
    Latent,
    LatentclustError,
    Permutation,
    PriorSpec,
    Scores,
    Trunk,
    Vectors,
)


def prior_sample(prior: PriorSpec, batch_size: int, rng: torch.Generator) -> Latent:
    """Draw z ~ P(z) from the prior."""
    return prior.sample(batch_size, rng)


def prior_vector(prior_sample: Latent) -> Vectors:
    """Return z as one vector."""
    return prior_sample.vector()


def fake(generator: Generator, prior_sample: Latent) -> Images:
    """Return generated images G(z)."""
    return generator(prior_sample)


def code_of_real(encoder: Encoder, images: Images) -> Code:
    """Return the code E(x) of the images."""
    return encoder(images)


def code_of_view(encoder: Encoder, view: Images) -> Code:
    """Return the code E(T(x)) of the view."""
    return encoder(view)


def code_of_fake(encoder: Encoder, fake: Images) -> Code:
    """Return the code E(G(z)) of generated images."""
    return encoder(fake)


def code_vector(code_of_real: Code) -> Vectors:
    """Return E(x) as one vector, with the category as probabilities."""
    return code_of_real.vector()


def reconstruction(generator: Generator, code_of_real: Code) -> Images:
    """Return reconstructions G(E(x)), DLS Eq. 4."""
    return generator(code_of_real.latent())


def swapped(generator: Generator, prior_sample: Latent, code_of_real: Code) -> Images:
    """Return G(z_c, E(x)_n), DLS Eq. 5: images of a drawn category in the style of a real image."""
    return generator(Latent(category=prior_sample.category, style=code_of_real.style))


def code_of_swapped(encoder: Encoder, swapped: Images) -> Code:
    """Return the code E(G(z_c, E(x)_n)), DLS Eqs. 5 and 6."""
    return encoder(swapped)


def code_of_neighbour(encoder: Encoder, neighbour_images: Images) -> Code:
    """Return the code E(x') of a neighbour of each image, drawn from its row of a table named `neighbour`."""
    return encoder(neighbour_images)


def clusters_of_real(code_of_real: Code) -> HeadLogits:
    """Return the logits of an encoder's category for the images as one sub-head, for `invariant-information`."""
    return _one_head(code_of_real)


def clusters_of_view(code_of_view: Code) -> HeadLogits:
    """Return the logits of an encoder's category for the view as one sub-head."""
    return _one_head(code_of_view)


def clusters_of_neighbour(code_of_neighbour: Code) -> HeadLogits:
    """Return the logits of an encoder's category for a neighbour of each image as one sub-head."""
    return _one_head(code_of_neighbour)


def decoded_sample(generator: Generator, posterior_sample: Latent) -> Images:
    """Return G(y, z) at latents sampled from the posterior of the images, CGM Eq. 8."""
    return generator(posterior_sample)


def score_of_real(critic: Critic, images: Images) -> Scores:
    """Return the scores C(x) of the images."""
    return critic(images)


def score_of_fake(critic: Critic, fake: Images) -> Scores:
    """Return the scores C(G(z)) of generated images."""
    return critic(fake)


def score_of_prior(critic: Critic, prior_vector: Vectors) -> Scores:
    """Return the scores C(z) of a critic of the latent, DCCS Eq. 8."""
    return critic(prior_vector)


def score_of_code(critic: Critic, code_vector: Vectors) -> Scores:
    """Return the scores C(E(x)) of a critic of the latent, DCCS Eq. 8."""
    return critic(code_vector)


def mixed_images(images: Images, fake: Images, rng: torch.Generator) -> Images:
    """Draw points uniformly on the lines between real and generated images, Gulrajani et al. 2017."""
    return Images(_between(images, fake, rng))


def mixed_vectors(code_vector: Vectors, prior_vector: Vectors, rng: torch.Generator) -> Vectors:
    """Draw points uniformly on the lines between codes and prior samples, DCCS Eq. 11."""
    return Vectors(_between(code_vector, prior_vector, rng))


def permutation(batch_size: int, rng: torch.Generator) -> Permutation:
    """Draw a permutation of the batch, which pairs each image with the code of another."""
    return Permutation(torch.randperm(batch_size, generator=rng, device=rng.device))


def score_of_joint(discriminator: Discriminator, code_of_real: Code, code_vector: Vectors) -> Scores:
    """Return the scores D(x, E(x)) of images with their own codes, DCCS Eq. 6."""
    return discriminator(Features(code_of_real.features), code_vector)


def score_of_marginal(
    discriminator: Discriminator, code_of_real: Code, code_vector: Vectors, permutation: Permutation
) -> Scores:
    """Return the scores D(x, E(x')) of images with the codes of other images, DCCS Eq. 6."""
    return discriminator(Features(code_of_real.features), Vectors(code_vector[permutation]))


def teacher_of_real(teacher: Heads, images: Images) -> HeadLogits:
    """Return the logits of the images from every sub-head of a teacher, which follows other heads (TEMI)."""
    return teacher(images)


def teacher_of_neighbour(teacher: Heads, neighbour_images: Images) -> HeadLogits:
    """Return the logits of a neighbour of each image from every sub-head of a teacher (TEMI)."""
    return teacher(neighbour_images)


def features_of_real(trunk: Trunk, images: Images) -> Features:
    """Return the features of the images from a shared trunk (InfoGAN)."""
    return trunk(images)


def features_of_fake(trunk: Trunk, fake: Images) -> Features:
    """Return the features of generated images from a shared trunk (InfoGAN)."""
    return trunk(fake)


def score_of_real_features(critic: Critic, features_of_real: Features) -> Scores:
    """Return the scores of the images from a critic on a shared trunk."""
    return critic(features_of_real)


def score_of_fake_features(critic: Critic, features_of_fake: Features) -> Scores:
    """Return the scores of generated images from a critic on a shared trunk."""
    return critic(features_of_fake)


def code_of_fake_features(encoder: Encoder, features_of_fake: Features) -> Code:
    """Return the code of generated images from the recognition network Q on a shared trunk (InfoGAN, Eq. 5)."""
    return encoder(features_of_fake)


def features_of_view(trunk: Trunk, view: Images) -> Features:
    """Return the features of the view from a shared trunk (IIC)."""
    return trunk(view)


def projection_of_view(projector: Trunk, features_of_view: Features) -> Features:
    """Return the projection of the view's features, by which views are compared (SimCLR)."""
    return projector(features_of_view)


def heads_of_real(heads: Heads, images: Images) -> HeadLogits:
    """Return the logits of the images from every sub-head."""
    return heads(images)


def heads_of_view(heads: Heads, view: Images) -> HeadLogits:
    """Return the logits of the view from every sub-head."""
    return heads(view)


def heads_of_neighbour(heads: Heads, neighbour_images: Images) -> HeadLogits:
    """Return the logits of a neighbour of each image, drawn from its row of a table named `neighbour` (SCAN)."""
    return heads(neighbour_images)


def heads_of_real_features(heads: Heads, features_of_real: Features) -> HeadLogits:
    """Return the logits of the images from every sub-head on a shared trunk (IIC)."""
    return heads(features_of_real)


def heads_of_view_features(heads: Heads, features_of_view: Features) -> HeadLogits:
    """Return the logits of the view from every sub-head on a shared trunk (IIC)."""
    return heads(features_of_view)


def overclusters_of_real_features(overclustering: Heads, features_of_real: Features) -> HeadLogits:
    """Return the logits of the images from every overclustering sub-head on a shared trunk (IIC)."""
    return overclustering(features_of_real)


def overclusters_of_view_features(overclustering: Heads, features_of_view: Features) -> HeadLogits:
    """Return the logits of the view from every overclustering sub-head on a shared trunk (IIC)."""
    return overclustering(features_of_view)


def posterior_sample(code_of_real: Code, rng: torch.Generator) -> Latent:
    """Draw z ~ q(z|x) = N(mean, exp(log variance)) by reparameterisation (Kingma and Welling 2014), with q(y|x)."""
    deviation = (code_of_real.style_log_variance / 2).exp()
    noise = torch.randn(deviation.shape, generator=rng, device=rng.device)
    latent = code_of_real.latent()
    return Latent(category=latent.category.float(), style=latent.style.float() + deviation * noise)


def cluster_reconstructions(generator: Generator, posterior_sample: Latent) -> ClusterImages:
    """Return G(y, z) of every cluster y from one pass (Kingma et al. 2014, Eq. 7).

    Raises:
        LatentclustError: If the categories are label maps.
    """
    if posterior_sample.category.dim() > 2:
        raise LatentclustError.at(
            "losses",
            "cluster_reconstructions expects one cluster per image, got one per pixel",
            'Set on = { cluster_reconstructions = "layers" }',
        )
    batch, clusters = posterior_sample.category.shape
    style = posterior_sample.style.repeat_interleave(clusters, dim=0)
    category = torch.eye(clusters, dtype=style.dtype, device=style.device).repeat(batch, 1)
    drawn = generator(Latent(category=category, style=style))
    return ClusterImages(drawn.view(batch, clusters, *drawn.shape[1:]))


def _one_head(code: Code) -> HeadLogits:
    """Return logits `(b, k)` as `(b, 1, k)`."""
    return HeadLogits(code.logits.unsqueeze(1))


def _between(one: torch.Tensor, other: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Draw one uniform point per sample on the line from `other` to `one`, detached from their gradients."""
    shape = (one.shape[0], *(1,) * (one.dim() - 1))
    weight = torch.rand(shape, generator=rng, device=rng.device)
    return torch.lerp(other.detach().float(), one.detach().float(), weight)


QUANTITIES = {
    function.__name__: function
    for function in (
        prior_sample,
        prior_vector,
        fake,
        code_of_real,
        code_of_view,
        code_of_fake,
        code_vector,
        reconstruction,
        swapped,
        code_of_swapped,
        code_of_neighbour,
        clusters_of_real,
        clusters_of_view,
        clusters_of_neighbour,
        decoded_sample,
        score_of_real,
        score_of_fake,
        score_of_prior,
        score_of_code,
        mixed_images,
        mixed_vectors,
        permutation,
        score_of_joint,
        score_of_marginal,
        features_of_real,
        features_of_fake,
        score_of_real_features,
        score_of_fake_features,
        code_of_fake_features,
        features_of_view,
        projection_of_view,
        heads_of_real,
        heads_of_view,
        heads_of_neighbour,
        teacher_of_real,
        teacher_of_neighbour,
        heads_of_real_features,
        heads_of_view_features,
        overclusters_of_real_features,
        overclusters_of_view_features,
        posterior_sample,
        cluster_reconstructions,
    )
}
"""Bundled quantities of images and vectors by name."""

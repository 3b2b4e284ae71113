"""The vocabulary of a training step; each function reads like the papers' equation."""

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
    """Z ~ P(z)."""
    return prior.sample(batch_size, rng)


def prior_vector(prior_sample: Latent) -> Vectors:
    """Z as one vector."""
    return prior_sample.vector()


def fake(generator: Generator, prior_sample: Latent) -> Images:
    """G(z)."""
    return generator(prior_sample)


def code_of_real(encoder: Encoder, images: Images) -> Code:
    """E(x)."""
    return encoder(images)


def code_of_view(encoder: Encoder, view: Images) -> Code:
    """E(T(x))."""
    return encoder(view)


def code_of_fake(encoder: Encoder, fake: Images) -> Code:
    """E(G(z))."""
    return encoder(fake)


def code_vector(code_of_real: Code) -> Vectors:
    """E(x) as one vector, the category as probabilities."""
    return code_of_real.vector()


def reconstruction(generator: Generator, code_of_real: Code) -> Images:
    """G(E(x)), DLS Eq. 4."""
    return generator(code_of_real.latent())


def swapped(generator: Generator, prior_sample: Latent, code_of_real: Code) -> Images:
    """G(z_c, E(x)_n), DLS Eq. 5: a drawn category in the style of a real image."""
    return generator(Latent(category=prior_sample.category, style=code_of_real.style))


def code_of_swapped(encoder: Encoder, swapped: Images) -> Code:
    """E(G(z_c, E(x)_n)), DLS Eq. 5 and 6."""
    return encoder(swapped)


def decoded_sample(generator: Generator, posterior_sample: Latent) -> Images:
    """G(y, z) at latents sampled for the images, CGM Eq. 8."""
    return generator(posterior_sample)


def score_of_real(critic: Critic, images: Images) -> Scores:
    """C(x)."""
    return critic(images)


def score_of_fake(critic: Critic, fake: Images) -> Scores:
    """C(G(z))."""
    return critic(fake)


def score_of_prior(critic: Critic, prior_vector: Vectors) -> Scores:
    """C(z) of a critic of the latent, DCCS Eq. 8."""
    return critic(prior_vector)


def score_of_code(critic: Critic, code_vector: Vectors) -> Scores:
    """C(E(x)) of a critic of the latent, DCCS Eq. 8."""
    return critic(code_vector)


def mixed_images(images: Images, fake: Images, rng: torch.Generator) -> Images:
    """Points drawn uniformly on the lines between real and generated images, Gulrajani et al. 2017."""
    return Images(_between(images, fake, rng))


def mixed_vectors(code_vector: Vectors, prior_vector: Vectors, rng: torch.Generator) -> Vectors:
    """Points drawn uniformly on the lines between codes and prior draws, DCCS Eq. 11."""
    return Vectors(_between(code_vector, prior_vector, rng))


def permutation(batch_size: int, rng: torch.Generator) -> Permutation:
    """A random permutation of the batch: which other image each code is paired with."""
    return Permutation(torch.randperm(batch_size, generator=rng, device=rng.device))


def score_of_joint(discriminator: Discriminator, code_of_real: Code, code_vector: Vectors) -> Scores:
    """D(x, E(x)), DCCS Eq. 6."""
    return discriminator(Features(code_of_real.features), code_vector)


def score_of_marginal(
    discriminator: Discriminator, code_of_real: Code, code_vector: Vectors, permutation: Permutation
) -> Scores:
    """D(x, E(x')), DCCS Eq. 6: images beside the codes of others."""
    return discriminator(Features(code_of_real.features), Vectors(code_vector[permutation]))


def features_of_real(trunk: Trunk, images: Images) -> Features:
    """The shared trunk's features of real images (InfoGAN)."""
    return trunk(images)


def features_of_fake(trunk: Trunk, fake: Images) -> Features:
    """The shared trunk's features of generated images (InfoGAN)."""
    return trunk(fake)


def score_of_real_features(critic: Critic, features_of_real: Features) -> Scores:
    """The critic's head on a shared trunk, real images."""
    return critic(features_of_real)


def score_of_fake_features(critic: Critic, features_of_fake: Features) -> Scores:
    """The critic's head on a shared trunk, generated images."""
    return critic(features_of_fake)


def code_of_fake_features(encoder: Encoder, features_of_fake: Features) -> Code:
    """The recognition head Q on a shared trunk, generated images (InfoGAN, Eq. 5)."""
    return encoder(features_of_fake)


def features_of_view(trunk: Trunk, view: Images) -> Features:
    """The shared trunk's features of the view (IIC)."""
    return trunk(view)


def heads_of_real(heads: Heads, images: Images) -> HeadLogits:
    """Every sub-head's logits of real images."""
    return heads(images)


def heads_of_view(heads: Heads, view: Images) -> HeadLogits:
    """Every sub-head's logits of the view."""
    return heads(view)


def heads_of_real_features(heads: Heads, features_of_real: Features) -> HeadLogits:
    """Every sub-head's logits on a shared trunk, real images (IIC)."""
    return heads(features_of_real)


def heads_of_view_features(heads: Heads, features_of_view: Features) -> HeadLogits:
    """Every sub-head's logits on a shared trunk, the view (IIC)."""
    return heads(features_of_view)


def overclusters_of_real_features(overclustering: Heads, features_of_real: Features) -> HeadLogits:
    """The overclustering sub-heads' logits on a shared trunk, real images (IIC)."""
    return overclustering(features_of_real)


def overclusters_of_view_features(overclustering: Heads, features_of_view: Features) -> HeadLogits:
    """The overclustering sub-heads' logits on a shared trunk, the view (IIC)."""
    return overclustering(features_of_view)


def posterior_sample(code_of_real: Code, rng: torch.Generator) -> Latent:
    """Z ~ q(z|x) = N(mean, exp(log variance)), reparameterised (Kingma and Welling 2014), beside q(y|x)."""
    deviation = (code_of_real.style_log_variance / 2).exp()
    noise = torch.randn(deviation.shape, generator=rng, device=rng.device)
    return Latent(category=code_of_real.probabilities.float(), style=code_of_real.style.float() + deviation * noise)


def cluster_reconstructions(generator: Generator, posterior_sample: Latent) -> ClusterImages:
    """G(y, z) of every cluster y, in one pass (Kingma et al. 2014, Eq. 7); raises LatentclustError for label maps."""
    if posterior_sample.category.dim() > 2:
        raise LatentclustError.at(
            "losses",
            "cluster_reconstructions are of images with one cluster each, and here every pixel has its own",
            'Set on = { cluster_reconstructions = "layers" }',
        )
    batch, clusters = posterior_sample.category.shape
    style = posterior_sample.style.repeat_interleave(clusters, dim=0)
    category = torch.eye(clusters, dtype=style.dtype, device=style.device).repeat(batch, 1)
    drawn = generator(Latent(category=category, style=style))
    return ClusterImages(drawn.view(batch, clusters, *drawn.shape[1:]))


def _between(one: torch.Tensor, other: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One uniform point a sample on the line from `other` to `one`, cut off from the graph that made them."""
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
        heads_of_real,
        heads_of_view,
        heads_of_real_features,
        heads_of_view_features,
        overclusters_of_real_features,
        overclusters_of_view_features,
        posterior_sample,
        cluster_reconstructions,
    )
}
"""Every quantity that comes with the package, by name."""

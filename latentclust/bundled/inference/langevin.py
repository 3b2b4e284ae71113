"""Langevin dynamics on style codes under a generator: Zhu et al. 2019, Eqs. 3 and 4."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from latentclust.api import Generator, Latent, Shape

CAPTURES = 8
"""Number of cached CUDA graphs. There is one per batch shape, generator and source of randomness."""

WARM_UP = 3
"""Number of steps before a capture, in which libraries choose their kernels."""

Shapes = tuple[Shape, Shape, Shape, Shape | None]
"""Shapes of images, categories, styles and pixel weights. The last is None without weights."""


@dataclass(frozen=True, slots=True)
class Density(ABC):
    """A density log p(x, y, z) of the clustered generator model, up to a constant: Eq. 4 with a prior of any width.

    In a step that is captured in a CUDA graph, noise and reach are 0-d tensors: numbers would be constants of the
    graph.

    Attributes:
        generator: Generator G of images x from categories y and styles z.
        noise: Standard deviation sigma of the observation noise, in units of the images.
        width: Standard deviation of the prior of z; 1 in the paper.
        reach: Factor of the styles in the input of G. With 0 the images depend on y alone.
        valid: Weight of each pixel, `(r, 1, h, w)`, 0 for pixels that do not count. None if all values count.
    """

    generator: Generator
    noise: float | Tensor
    width: float
    reach: float | Tensor = 1.0
    valid: Tensor | None = None

    @abstractmethod
    def reconstruction_term(
        self, images: Float[Tensor, "r *x"], category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]
    ) -> Float32[Tensor, " r"]:
        """Return the likelihood term of the energy in nats, up to a constant."""

    def prior_term(self, style: Float[Tensor, "r *s"]) -> Float32[Tensor, " r"]:
        """Return `|z|^2 / 2 width^2`, the prior term of the energy in nats."""
        return style.float().square().flatten(1).sum(dim=1) / (2 * self.width**2)


@final
class JointDensity(Density):
    """The density of images and categories as they are."""

    __slots__ = ()

    def latent(self, category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]) -> Latent:
        """Return the input of the generator."""
        return Latent(category=category, style=self.reach * style)

    def reconstruction_term(
        self, images: Float[Tensor, "r *x"], category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]
    ) -> Float32[Tensor, " r"]:
        """Return `|x - G(y, z)|^2 / 2 sigma^2`, the likelihood term of the energy in nats."""
        error = self.generator(self.latent(category, style)).float() - images.float()
        if self.valid is not None:
            error = error * self.valid
        return error.square().flatten(1).sum(dim=1) / (2 * self.noise**2)


class LangevinSteps:
    """Langevin steps of chains in fixed buffers. All numbers are tensors, so that a step can be captured."""

    def __init__(
        self,
        generator: Generator,
        width: float,
        shapes: Shapes,
        device: torch.device,
        kind: type[Density] = JointDensity,
    ) -> None:
        """Allocate float32 buffers of the given shapes."""
        self.images, self.category, self.style = (torch.zeros(shape, device=device) for shape in shapes[:3])
        self.valid = torch.ones(shapes[3], device=device) if shapes[3] else None
        self.style.requires_grad_()
        self.noise, self.reach, self.step_size, self.deviation = (torch.ones((), device=device) for _ in range(4))
        self._joint = kind(generator, self.noise, width, self.reach, self.valid)
        self._normal = torch.zeros(shapes[2], device=device)

    @torch.no_grad()
    def begin(self, joint: Density, images: Tensor, category: Tensor, style: Tensor, step_size: float) -> None:
        """Copy the states of the chains and the numbers of this round into the buffers."""
        for buffer, value in ((self.images, images), (self.category, category), (self.style, style)):
            buffer.copy_(value)
        if self.valid is not None and joint.valid is not None:
            self.valid.copy_(joint.valid)
        self.noise.fill_(joint.noise)
        self.reach.fill_(joint.reach)
        self.step_size.fill_(step_size)
        self.deviation.fill_((2 * step_size) ** 0.5)

    def step(self, rng: torch.Generator) -> None:
        """Apply Eq. 3 once, in place."""
        with torch.enable_grad():
            reconstruction_term = self._joint.reconstruction_term(self.images, self.category, self.style)
            energy = (reconstruction_term + self._joint.prior_term(self.style)).sum()
        (gradient,) = torch.autograd.grad(energy, self.style)  # no gradients of the generator's parameters
        self._normal.normal_(generator=rng)
        with torch.no_grad():
            self.style.addcmul_(gradient, self.step_size, value=-1).addcmul_(self._normal, self.deviation)


class CapturedLangevinSteps(LangevinSteps):
    """Langevin steps captured in a CUDA graph in which the generator of randomness is registered."""

    def __init__(
        self,
        generator: Generator,
        width: float,
        shapes: Shapes,
        rng: torch.Generator,
        kind: type[Density] = JointDensity,
    ) -> None:
        """Warm up and capture a step. The state of the generator of randomness is restored."""
        super().__init__(generator, width, shapes, rng.device, kind)
        state = rng.get_state()
        stream = torch.cuda.Stream(rng.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(rng.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                super().step(rng)
        torch.cuda.current_stream(rng.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(rng)
        with torch.cuda.graph(self._graph, stream=stream):  # a stream of the generator's device
            super().step(rng)
        rng.set_state(state)

    def step(self, rng: torch.Generator) -> None:
        """Replay the graph. `rng` is the registered generator of randomness."""
        self._graph.replay()


@lru_cache(maxsize=CAPTURES)
def captured_steps(
    generator: Generator,
    width: float,
    shapes: Shapes,
    rng: torch.Generator,
    autocast: torch.dtype | None,
    kind: type[Density],
) -> CapturedLangevinSteps:
    """Return the captured steps of a generator for batches of the given shapes and precision."""
    return CapturedLangevinSteps(generator, width, shapes, rng, kind)


def langevin(
    joint: Density,
    images: Float[Tensor, "r *x"],
    category: Float[Tensor, "r k *y"],
    style: Float32[Tensor, "r *s"],
    steps: int,
    step_size: float,
    rng: torch.Generator,
) -> Float32[Tensor, "r *s"]:
    """Return the styles after `steps` of `z += step_size grad log p(z, x, y) + sqrt(2 step_size) N(0, I)`, Eq. 3.

    Rows are independent chains. For a Gaussian posterior with precision L the covariance of the chain is
    `[L (I - step_size L / 2)]^-1`; it diverges if step_size exceeds 2 divided by the largest eigenvalue of L. On a GPU
    the step is a CUDA graph.
    """
    if not joint.reach or not style.shape[1]:
        return joint.width * torch.randn(style.shape, device=style.device, generator=rng)
    valid = None if joint.valid is None else tuple(joint.valid.shape)
    shapes: Shapes = (tuple(images.shape), tuple(category.shape), tuple(style.shape), valid)
    if style.is_cuda:
        autocast = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else None
        key = (joint.generator, joint.width, shapes, rng, autocast, type(joint))
        chains: LangevinSteps = captured_steps(*key)  # type: ignore[arg-type]
    else:
        chains = LangevinSteps(joint.generator, joint.width, shapes, style.device, type(joint))
    chains.begin(joint, images, category, style, step_size)
    for _ in range(steps):
        chains.step(rng)
    return chains.style.detach().clone()

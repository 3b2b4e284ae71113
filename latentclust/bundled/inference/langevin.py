"""Langevin dynamics on style codes under a generator: Xing et al. 2020, Eqs. 3 and 4."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from latentclust.api import Generator, Images, Latent, Shape

CAPTURES = 8
"""CUDA graphs that are kept: one for each shape of batch, generator and source of randomness."""

WARM_UP = 3
"""Steps before a capture, in which libraries choose their kernels."""


Shapes = tuple[Shape, Shape, Shape, Shape | None]
"""Of images, categories, styles, and of the pixels' weights where there are any."""


@dataclass(frozen=True, slots=True)
class Joint:
    """log p(x, y, z) of the clustered generator, up to a constant: Eq. 4 with a prior of any width.

    Noise and reach are 0-d tensors in a step that may be captured in a CUDA graph, which numbers would be baked into.

    Attributes:
        generator: G, which draws x from the category y and the style z.
        noise: Sigma, the standard deviation of the observation noise, in units of the images.
        width: Standard deviation of the prior of z; the paper's is 1.
        reach: What styles are multiplied by before G sees them; 0 makes y alone explain.
        valid: The weight of each pixel, `(r, 1, h, w)`: 0 leaves it out. None where every value counts.
    """

    generator: Generator
    noise: float | Tensor
    width: float
    reach: float | Tensor = 1.0
    valid: Tensor | None = None

    def latent(self, category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]) -> Latent:
        """What the generator sees."""
        return Latent(category=category, style=self.reach * style)

    def misfit(
        self, images: Float[Tensor, "r *x"], category: Float[Tensor, "r k *y"], style: Float[Tensor, "r *s"]
    ) -> Float32[Tensor, " r"]:
        """`|x - G(y, z)|^2 / 2 sigma^2`, the likelihood's part of the energy; nats."""
        error = self.generator(self.latent(category, style)).float() - images.float()
        if self.valid is not None:
            error = error * self.valid
        return error.square().flatten(1).sum(dim=1) / (2 * self.noise**2)

    def tension(self, style: Float[Tensor, "r *s"]) -> Float32[Tensor, " r"]:
        """`|z|^2 / 2`, in units of the prior's width: the prior's part of the energy; nats."""
        return style.float().square().flatten(1).sum(dim=1) / (2 * self.width**2)


class Walk:
    """Chains in buffers of their own; a step reads every number from a tensor, so that it may be captured."""

    def __init__(self, generator: Generator, width: float, shapes: Shapes, device: torch.device):
        """Buffers of these shapes, float32."""
        self.images, self.category, self.style = (torch.zeros(shape, device=device) for shape in shapes[:3])
        self.valid = torch.ones(shapes[3], device=device) if shapes[3] else None
        self.style.requires_grad_()
        self.noise, self.reach, self.step_size, self.deviation = (torch.ones((), device=device) for _ in range(4))
        self._joint = Joint(generator, self.noise, width, self.reach, self.valid)
        self._normal = torch.zeros(shapes[2], device=device)

    @torch.no_grad()
    def begin(self, joint: Joint, images: Images, category: Tensor, style: Tensor, step_size: float) -> None:
        """Takes over where the chains are, and the numbers of this round."""
        for buffer, value in ((self.images, images), (self.category, category), (self.style, style)):
            buffer.copy_(value)
        if self.valid is not None and joint.valid is not None:
            self.valid.copy_(joint.valid)
        self.noise.fill_(joint.noise)
        self.reach.fill_(joint.reach)
        self.step_size.fill_(step_size)
        self.deviation.fill_((2 * step_size) ** 0.5)

    def step(self, rng: torch.Generator) -> None:
        """Eq. 3, once, in place."""
        with torch.enable_grad():
            misfit = self._joint.misfit(self.images, self.category, self.style)
            energy = (misfit + self._joint.tension(self.style)).sum()
        (gradient,) = torch.autograd.grad(energy, self.style)  # and none for the generator's parameters
        self._normal.normal_(generator=rng)
        with torch.no_grad():
            self.style.addcmul_(gradient, self.step_size, value=-1).addcmul_(self._normal, self.deviation)


class CapturedWalk(Walk):
    """The same, its step captured in a CUDA graph with the generator of randomness registered."""

    def __init__(self, generator: Generator, width: float, shapes: Shapes, rng: torch.Generator) -> None:
        """Warms up and captures; the generator of randomness is left as it was."""
        super().__init__(generator, width, shapes, rng.device)
        state = rng.get_state()
        stream = torch.cuda.Stream(rng.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(rng.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                super().step(rng)
        torch.cuda.current_stream(rng.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(rng)
        with torch.cuda.graph(self._graph):
            super().step(rng)
        rng.set_state(state)

    def step(self, rng: torch.Generator) -> None:
        """The graph, once more; `rng` is the one that was registered."""
        self._graph.replay()


@lru_cache(maxsize=CAPTURES)
def captured(
    generator: Generator,
    width: float,
    shapes: Shapes,
    rng: torch.Generator,
    autocast: torch.dtype | None,
) -> CapturedWalk:
    """The captured step of a generator on batches of these shapes; a precision has a capture of its own."""
    return CapturedWalk(generator, width, shapes, rng)


def langevin(
    joint: Joint,
    images: Images,
    category: Float[Tensor, "r k *y"],
    style: Float32[Tensor, "r *s"],
    steps: int,
    step_size: float,
    rng: torch.Generator,
) -> Float32[Tensor, "r *s"]:
    """Styles after `steps` of `z += step_size grad log p(z, x, y) + sqrt(2 step_size) N(0, I)`, Eq. 3.

    Rows are independent chains. On a posterior with Gaussian precision L the chain's own covariance is
    `[L (I - step_size L / 2)]^-1`, and it diverges where step_size exceeds 2 over L's largest eigenvalue. On a GPU the
    step is a CUDA graph.
    """
    if not joint.reach or not style.shape[1]:
        return joint.width * torch.randn(style.shape, device=style.device, generator=rng)
    valid = None if joint.valid is None else tuple(joint.valid.shape)
    shapes: Shapes = (tuple(images.shape), tuple(category.shape), tuple(style.shape), valid)
    if style.is_cuda:
        autocast = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else None
        walk: Walk = captured(joint.generator, joint.width, shapes, rng, autocast)  # type: ignore[arg-type]
    else:
        walk = Walk(joint.generator, joint.width, shapes, style.device)
    walk.begin(joint, images, category, style, step_size)
    for _ in range(steps):
        walk.step(rng)
    return walk.style.detach().clone()

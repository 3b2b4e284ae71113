"""Options of Langevin-Gibbs chains of whole images and of label maps: Zhu et al. 2019."""

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator
from torch import Tensor

from latentclust.api import ChainSpec, Latent, Model, Ramp, Scale, Schedule, value_at
from latentclust.bundled.inference.langevin import JointDensity

FINAL_PROGRESS = 1.0
"""Progress at the end of a training."""

STEP_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Numbers of Langevin steps that the report compares with that of the recipe."""

Share = Annotated[float, Field(ge=0, le=1)]


class AnnealedChainSpec(ChainSpec, ABC):
    """Chains of a generator with schedules for the noise, the step size and the influence of the style."""

    provides: ClassVar[Mapping[str, Any]] = {"posterior_sample": Latent, "noise_scale": Scale}

    network: str = "generator"
    """Name of the generator."""

    steps: PositiveInt = Field(default=100, examples=[3])
    """Number of Langevin steps between two draws of the clusters."""

    step_size: Schedule = 0.01
    """Step size delta of Eq. 3, in squared units of the style; not given in the paper. Decrease it with the square of
    the noise."""

    noise: Schedule = 0.3
    """Standard deviation sigma of Eq. 4, in units of the [0, 1] intensity. A ramp anneals it."""

    label: Literal["sample", "map"] = "sample"
    """`sample` to draw clusters from their posterior, `map` to take the most probable one. Algorithm 1 allows both."""

    reach: Schedule = 1.0
    """Factor of the style in the input of the generator; must end at 1. A ramp from 0 introduces the style late."""

    first_label: Literal["random", "kmeans"] = "random"
    """Initial clusters of the chains: uniform draws, or k-means of the images or of their pixels."""

    hold_label: Share = 0.0
    """Fraction of the training during which the initial clusters are kept."""

    burn_in: PositiveInt = 5
    """Number of sweeps of a new chain that are discarded. A sweep is `steps` Langevin steps and a draw of clusters."""

    sweeps: PositiveInt = 5
    """Number of sweeps over which the posterior is averaged."""

    @field_validator("step_size", "noise")
    @classmethod
    def _positive(cls, value: Schedule) -> Schedule:
        ends = (value.start, value.end) if isinstance(value, Ramp) else (value,)
        if min(ends) <= 0:
            raise ValueError("must stay above 0")
        return value

    @field_validator("reach")
    @classmethod
    def _ends_at_one(cls, value: Schedule) -> Schedule:
        ends = (value.start, value.end) if isinstance(value, Ramp) else (value,)
        if min(ends) < 0 or ends[-1] != 1:
            raise ValueError("must not be negative, and must end at 1, the scale of the prior")
        return value

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the generator."""
        return (self.network,)

    def lengths(self) -> dict[int, ChainSpec]:
        """Return chains with fewer and more Langevin steps by their number, as in Fig. 3, including this one."""
        shorter = [steps for steps in STEP_COUNTS if steps < self.steps]
        return {steps: self.model_copy(update={"steps": steps}) for steps in (*shorter, self.steps, 2 * self.steps)}

    def joint_density(self, model: Model, width: float, progress: float, valid: Tensor | None = None) -> JointDensity:
        """Return log p(x, y, z) at a progress of the training. `width` is the standard deviation of the prior style."""
        generator: Any = model.networks[self.network]
        return JointDensity(generator, value_at(self.noise, progress), width, value_at(self.reach, progress), valid)

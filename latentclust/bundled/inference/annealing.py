"""The options that Langevin-Gibbs chains share, of one label an image or of one a pixel: Xing et al. 2020."""

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator
from torch import Tensor

from latentclust.api import ChainSpec, Latent, Model, Ramp, Scale, Schedule, value_at
from latentclust.bundled.inference.langevin import Joint

END = 1.0
"""The progress of a finished training."""

LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Langevin steps that are tried beside the recipe's."""

Share = Annotated[float, Field(ge=0, le=1)]


class AnnealedChainSpec(ChainSpec, ABC):
    """Chains under a generator whose noise may fall and whose style may be let in late."""

    provides: ClassVar[Mapping[str, Any]] = {"posterior_sample": Latent, "noise_scale": Scale}

    network: str = "generator"
    """The name of the generator that it samples under."""

    steps: PositiveInt = Field(default=100, examples=[3])
    """Langevin steps between two draws of the clusters."""

    step_size: Schedule = 0.01
    """Delta of Eq. 3, in squared units of the style; the paper gives none. Let it fall with the square of the noise."""

    noise: Schedule = 0.3
    """Sigma of Eq. 4, in units of the images' [0, 1]; a ramp anneals it."""

    label: Literal["sample", "map"] = "sample"
    """Whether a cluster is drawn from its posterior or is the most probable one; Algorithm 1 allows both."""

    reach: Schedule = 1.0
    """What styles are multiplied by before the generator sees them, 1 at the end: a ramp lets them in late."""

    first_label: Literal["random", "kmeans"] = "random"
    """The clusters that chains begin with: uniform draws, or k-means on the images or on their pixels."""

    hold_label: Share = 0.0
    """The fraction of the training for which the first labels stay."""

    burn_in: PositiveInt = 5
    """Sweeps of a new chain, each of `steps` Langevin steps and a draw of clusters, before its posterior counts."""

    sweeps: PositiveInt = 5
    """Sweeps whose posteriors are averaged."""

    @field_validator("step_size", "noise")
    @classmethod
    def _positive(cls, value: Schedule) -> Schedule:
        ends = (value.start, value.end) if isinstance(value, Ramp) else (value,)
        if min(ends) <= 0:
            raise ValueError("must stay above 0")
        return value

    @field_validator("reach")
    @classmethod
    def _whole_at_the_end(cls, value: Schedule) -> Schedule:
        ends = (value.start, value.end) if isinstance(value, Ramp) else (value,)
        if min(ends) < 0 or ends[-1] != 1:
            raise ValueError("must not be negative, and must end at 1, as the prior's styles are")
        return value

    @property
    def needs(self) -> tuple[str, ...]:
        """The generator."""
        return (self.network,)

    def lengths(self) -> dict[int, ChainSpec]:
        """Fewer and more Langevin steps between two clusters, as in Fig. 3; the recipe's own number among them."""
        shorter = [steps for steps in LENGTHS if steps < self.steps]
        return {steps: self.model_copy(update={"steps": steps}) for steps in (*shorter, self.steps, 2 * self.steps)}

    def joint(self, model: Model, width: float, progress: float, valid: Tensor | None = None) -> Joint:
        """Log p(x, y, z) at a progress of the training; `width` is the standard deviation of the prior's style."""
        generator: Any = model.networks[self.network]
        return Joint(generator, value_at(self.noise, progress), width, value_at(self.reach, progress), valid)

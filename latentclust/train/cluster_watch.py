"""Sizes of the clusters during training: a count of what the steps compute anyway, without labels."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from latentclust.assemble.features import feature_chain
from latentclust.assemble.resolve import Resolved
from latentclust.assemble.step_plan import StepPlan
from latentclust.specs.inference import ChainSpec
from latentclust.tensors import Code, HeadLogits, Images, Latent, Similarities
from latentclust.train.full_dataset import evaluation_mode

IMAGES = "images"

ROUNDS_BETWEEN_COUNTS = 8
"""Number of rounds between counts, so that they take less than a percent of the time, even of the smallest networks."""

SAMPLES_PER_CLUSTER = 30
"""Number of samples per cluster before sizes are reported: a cluster of mean size is then missed with chance e^-30."""

ToProbabilities = Callable[[Any], Float[Tensor, "b h k *s"]]

READERS: Mapping[Any, ToProbabilities] = {
    Code: lambda code: code.probabilities.unsqueeze(1),
    HeadLogits: lambda logits: logits.softmax(dim=2),
    Similarities: lambda found: found.unsqueeze(1).softmax(dim=2),
    Latent: lambda latent: latent.category.unsqueeze(1),
}
"""Cluster probabilities of a value, by its type; codes, similarities and latents have a single head."""


@final
class ClusterWatch:
    """A running count of the clusters that real training images are assigned to.

    Args:
        read: Returns cluster probabilities, with an axis of sub-heads, from the value that is watched.
        clusters: Number of clusters K.
        device: Device of the training.

    Attributes:
        sums: Number of samples or pixels in each cluster, and the sums of its probabilities, by sub-head, `(2, h, k)`.
        due: Whether the next step should count.
    """

    def __init__(self, read: ToProbabilities, clusters: int, device: torch.device) -> None:
        self.sums = torch.zeros(2, 1, clusters, device=device, dtype=torch.float64)
        self.due = False
        self._read = read

    def begin_round(self, round_: int) -> None:
        """Let the first step of the round count if a count is due."""
        self.due = round_ % ROUNDS_BETWEEN_COUNTS == 0

    @torch.no_grad()
    def count(self, value: Any, valid: Tensor | None = None) -> None:
        """Count the clusters of a batch. Pixels that are not `valid`, `(b, y, x)`, are left out."""
        self.due = False
        found = self._read(value).float()
        found = found.reshape(*found.shape[:3], -1)  # (b, h, k, s)
        weights = torch.ones_like(found[:, 0, 0])
        if valid is not None and valid[0].numel() == weights.shape[1]:
            weights = valid.flatten(1).float()
        heads, clusters = found.shape[1:3]
        sizes = self.sums.new_zeros(heads, clusters)
        labels = found.argmax(dim=2).transpose(0, 1).flatten(1)  # (h, b s)
        sizes.scatter_add_(1, labels, weights.flatten().double().expand(heads, -1))
        means = (found * weights[:, None, None]).sum(dim=(0, 3), dtype=torch.float64)
        self.sums = self.sums + torch.stack((sizes, means))  # h sub-heads are known from the first value on

    def drain(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return the sizes and the mean probabilities of the clusters since the last call that returned any.

        Of several sub-heads, the one with the most even sizes is reported, because the best one is not known yet. Both
        are empty, and the count goes on, while there are too few samples.
        """
        sizes, probabilities = self.sums.cpu().clone()
        total = float(sizes[0].sum())
        if total < SAMPLES_PER_CLUSTER * sizes.shape[1]:
            return (), ()
        self.sums.zero_()
        head = int(torch.special.entr(sizes / total).sum(dim=1).argmax())
        return tuple(map(int, sizes[head].tolist())), tuple((probabilities[head] / total).tolist())


@dataclass(frozen=True, slots=True)
class Watched:
    """The value that is watched.

    Attributes:
        name: Name of a quantity, of a chain's value, or `images`, to which the encoder is applied.
        read: Returns its cluster probabilities.
    """

    name: str
    read: ToProbabilities


def find_watched(resolved: Resolved, plans: Iterable[StepPlan], networks: nn.ModuleDict) -> Watched | None:
    """Return the value from which the clusters of real images are counted. None if there is none.

    It is a sample of the chains, the inference's own network applied to the images where a plan computes that, or an
    additional pass of the inference's encoder.
    """
    inference = resolved.inference
    if isinstance(inference, ChainSpec):
        latents = [name for name, kind in inference.provides.items() if kind is Latent]
        return Watched(latents[0], READERS[Latent]) if latents else None
    chains = [feature_chain(resolved.recipe, resolved.roles, name) for name in inference.needs]
    allowed = {IMAGES, *inference.needs}.union(*chains)
    for plan in plans:
        for node in plan.nodes:
            of_inference = any(name in inference.needs for name in node.reads)
            if node.type in READERS and of_inference and _given(plan, node.name) <= allowed:
                return Watched(node.name, READERS[node.type])
    return _extra_pass(resolved, networks)


def _given(plan: StepPlan, name: str) -> set[str]:
    """Return the networks and values of the engine that a quantity depends on."""
    nodes = {node.name: node.reads for node in plan.nodes}
    return set().union(*(_given(plan, read) for read in nodes[name])) if name in nodes else {name}


def _extra_pass(resolved: Resolved, networks: nn.ModuleDict) -> Watched | None:
    """Return the pass of the first encoder that the inference reads, after the networks whose features it reads."""
    needs = resolved.inference.needs
    encoder = next((name for name in needs if resolved.roles.get(name) == "encoder"), None)
    if encoder is None:
        return None
    read_through = [networks[name] for name in (encoder, *feature_chain(resolved.recipe, resolved.roles, encoder))]
    model = resolved.model(dict(networks.items()))

    def read(images: Images) -> Tensor:
        with evaluation_mode(read_through):
            return READERS[Code](model.read(encoder, images))

    return Watched(IMAGES, read)

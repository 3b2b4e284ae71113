"""One step of one player: compute quantities and loss terms, and update the parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentclust.assemble.step_plan import ALIGNMENT, StepPlan
from latentclust.data.feed import Batch
from latentclust.recipe.training_tables import OptimizerTable, PlayerTable
from latentclust.specs.schedule import Schedule, value_at
from latentclust.tensors import View
from latentclust.train.cluster_watch import ClusterWatch
from latentclust.train.precision import NetworkInLosses, Precision
from latentclust.train.step_inputs import Input

NOTE = "while computing "
"""Beginning of the note on an exception that names the quantity or the loss."""

Reduce = Callable[[Tensor], Tensor]
"""Returns the mean of a tensor over the processes."""


class Player:
    """The networks that one optimizer updates, with the compiled plan of their step.

    Args:
        plan: Quantities and losses of a step.
        table: Number of steps per round, and the optimizer.
        weights: Weight of each loss term by name.
        given: Values that stay the same: networks, prior, batch size and generator.
        inputs: Functions that read a value from each batch, by name: images, views, rows of tables.
        precision: Precision of the quantities.
        reduce: Mean of a flat gradient over processes; None for a single process.

    Attributes:
        plan: Step plan of the player.
        steps: Number of steps per round.
        parameters: Parameters that the optimizer updates.
        sums: Sum of each term since the last `drain`, in the order of the plan.
        count: Number of steps in `sums`.
        watch: Count of the clusters of a value of the step, and the value's name. None if the step has no such value.
    """

    def __init__(
        self,
        plan: StepPlan,
        table: PlayerTable,
        weights: Mapping[str, Schedule],
        given: Mapping[str, Any],
        inputs: Mapping[str, Input],
        precision: Precision,
        reduce: Reduce | None,
    ) -> None:
        self.plan, self.steps, self.weights = plan, table.steps, weights
        self.schedule = table.optimizer.lr
        self.parameters = _trainable_parameters([given[name] for name in plan.networks])
        self.optimizer = make_optimizer(table.optimizer, self.parameters)
        self.scaler = precision.scaler()
        self.sums = torch.zeros(len(plan.terms), device=precision.device)
        self.count = 0
        self.watch: tuple[ClusterWatch, str] | None = None
        self._precision, self._reduce = precision, reduce
        self._compile(given, inputs)
        self._weights = [value_at(weights[term.name], 0.0) for term in plan.terms]

    def _compile(self, given: Mapping[str, Any], inputs: Mapping[str, Input]) -> None:
        """Map names to positions in a list of values, so that a step needs no lookup."""
        names = [*self.plan.given, *(node.name for node in self.plan.nodes)]
        self._place = place = {name: position for position, name in enumerate(names)}
        self._values: list[Any] = [given.get(name) for name in names]
        given_inputs = [name for name in self.plan.given if name in inputs]
        self._inputs = [(inputs[name], place[name], place.get(name + ALIGNMENT)) for name in given_inputs]
        self._nodes = [(n.name, n.function, [place[name] for name in n.reads], place[n.name]) for n in self.plan.nodes]
        in_losses = dict(place)
        for name in self.plan.given:
            if isinstance(given.get(name), nn.Module):
                in_losses[name] = len(self._values)
                self._values.append(NetworkInLosses(given[name], self._precision))
        self._terms = [(term.name, term.loss, [in_losses[name] for name in term.reads]) for term in self.plan.terms]
        self._after = [(t.name, t.loss, [place[n] for n in t.after]) for t in self.plan.terms if t.after is not None]

    def refresh(self, progress: float) -> None:
        """Set the learning rate and the term weights of the next steps; `progress` of the stage is in [0, 1)."""
        for group in self.optimizer.param_groups:
            group["lr"] = value_at(self.schedule, progress)
        self._weights = [value_at(self.weights[term.name], progress) for term in self.plan.terms]

    def step(self, batch: Batch) -> None:
        """Compute each quantity once, then the terms, and update the parameters."""
        values, terms = self.compute(batch)
        objective = sum(weight * term for weight, term in zip(self._weights, terms, strict=True))
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(objective).backward()  # type: ignore[no-untyped-call, arg-type]
        if self._reduce is not None:
            average_gradients(self.parameters, self._reduce)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.sums += torch.stack([term.detach() for term in terms])
        self.count += 1
        self._change_networks(values)

    @torch.no_grad()
    def _change_networks(self, values: Sequence[Any]) -> None:
        """Let losses change networks after the step. An exception gets a note that names the loss."""
        for name, loss, reads in self._after:
            try:
                loss.after_step(*[values[read] for read in reads])
            except Exception as error:
                error.add_note(f"{NOTE}{name!r} of player {self.plan.player!r}, after a step")
                raise

    def has(self, name: str) -> bool:
        """Return whether a step reads or computes a value."""
        return name in self._place

    def free_memory(self) -> None:
        """Discard the gradients and the optimizer's state after the player's last step."""
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.state.clear()

    def terms(self, batch: Batch) -> list[Tensor]:
        """Return the loss terms of a batch in the order of the plan, 0-d float32."""
        return self.compute(batch)[1]

    def compute(self, batch: Batch) -> tuple[list[Any], list[Tensor]]:
        """Return all values of a step by their place, and the loss terms in the order of the plan, 0-d float32.

        An exception gets a note that names the quantity or the loss that could not be computed.
        """
        values = self._values.copy()
        for read, place, alignment in self._inputs:
            value = read(batch)
            values[place] = value.images if isinstance(value, View) else value
            if isinstance(value, View) and alignment is not None:
                values[alignment] = value.alignment
        name = ""
        terms: list[Tensor] = []
        try:
            with self._precision.step():
                with self._precision.forward():
                    for name, function, reads, place in self._nodes:  # noqa: B007 (the note reads the name)
                        values[place] = function(*[values[read] for read in reads])
                    self._count_clusters(values, batch)
                for name, loss, reads in self._terms:  # noqa: B007
                    terms.append(loss(*[values[read] for read in reads]))
        except Exception as error:
            error.add_note(f"{NOTE}{name!r} of player {self.plan.player!r}")
            raise
        return values, terms

    def _count_clusters(self, values: Sequence[Any], batch: Batch) -> None:
        """Count the clusters of the watched value, if a count is due."""
        if self.watch is not None and self.watch[0].due:
            watch, name = self.watch
            watch.count(values[self._place[name]], batch.valid)

    def drain(self) -> dict[str, float]:
        """Return the mean of each term since the last call, and reset the sums."""
        means = self.means()
        self.sums.zero_()
        self.count = 0
        return means

    def means(self) -> dict[str, float]:
        """Return the mean of each term since the last `drain`. The host waits for the device."""
        means = (self.sums / max(self.count, 1)).tolist()
        return {term.name: mean for term, mean in zip(self.plan.terms, means, strict=True)}


def hold_other_networks(players: Sequence[Player], player: Player) -> None:
    """Enable gradients for the parameters of one player alone. All networks stay in training mode."""
    own = {id(parameter) for parameter in player.parameters}
    for other in players:
        for parameter in other.parameters:
            parameter.requires_grad_(id(parameter) in own)


def average_gradients(parameters: Sequence[nn.Parameter], reduce: Reduce) -> None:
    """Replace gradients by their mean over the processes, reduced as one flat tensor."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = reduce(torch.cat([gradient.flatten() for gradient in gradients]))
    pieces = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))


def make_optimizer(table: OptimizerTable, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of a recipe's table. Adam and AdamW use the fused kernel."""
    rate = value_at(table.lr, 0.0)
    match table.use:
        case "adam":
            return torch.optim.Adam(parameters, rate, table.betas, weight_decay=table.weight_decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, rate, table.betas, weight_decay=table.weight_decay, fused=True)
        case "rmsprop":
            momentum = table.betas[0]
            return torch.optim.RMSprop(parameters, rate, momentum=momentum, weight_decay=table.weight_decay)
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=table.betas[0], weight_decay=table.weight_decay)


def _trainable_parameters(networks: Sequence[nn.Module]) -> list[nn.Parameter]:
    """Return the trainable parameters, each once."""
    found = {id(p): p for network in networks for p in network.parameters() if p.requires_grad}
    return list(found.values())

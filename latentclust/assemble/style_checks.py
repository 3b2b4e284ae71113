"""Warnings about a style that an inference clusters although no loss trains it."""

from collections.abc import Mapping

from latentclust.assemble.resolve import Resolved
from latentclust.assemble.step_plan import PlannedLoss, PlannedQuantity, StepPlan
from latentclust.specs.inference import InferenceSpec
from latentclust.tensors import Code, HeadLogits


def style_warnings(resolved: Resolved) -> tuple[str, ...]:
    """Return a sentence for the inference, and for each readout, that clusters the untrained style of an encoder."""
    chosen: Mapping[str, tuple[str, InferenceSpec]] = {
        "inference": (resolved.recipe.inference.use, resolved.inference),
        **{f"evaluate.readouts ({name})": (name, readout) for name, readout in resolved.readouts.items()},
    }
    warnings = []
    for where, (name, inference) in chosen.items():
        encoder = inference.clusters_style_of(resolved.prior)
        if encoder is not None and not is_style_trained(resolved, encoder):
            warnings.append(
                f"{where}: {name} also clusters the style of the network {encoder!r}, which no loss trains. Let it "
                'read the category alone (part = "category"), or enable a loss of the style'
            )
    return tuple(warnings)


def is_style_trained(resolved: Resolved, encoder: str) -> bool:
    """Return whether a loss trains the style of an encoder. A frozen encoder counts as trained, as does an unknown one.

    Losses say by `reads_style` whether they depend on the style of a code. A quantity that is computed from a code is
    assumed to depend on it, unless it is the logits of heads.
    """
    table = resolved.recipe.networks.get(encoder)
    if table is None or table.frozen:
        return True
    return any(
        _trains_style(plan, term, encoder)
        for plan in resolved.plans.values()
        if encoder in plan.networks
        for term in plan.terms
        if resolved.recipe.losses[term.name].weight != 0
    )


def _trains_style(plan: StepPlan, term: PlannedLoss, encoder: str) -> bool:
    nodes = {node.name: node for node in plan.nodes}
    return any(
        _carries_style(nodes, name, encoder) and (term.loss.reads_style or nodes[name].type is not Code)
        for name in term.reads
    )


def _carries_style(nodes: Mapping[str, PlannedQuantity], name: str, encoder: str) -> bool:
    """Return whether a value of a step depends on the style of an encoder's code."""
    node = nodes.get(name)
    if node is None or node.type is HeadLogits:
        return False
    return encoder in node.reads or any(_carries_style(nodes, read, encoder) for read in node.reads)

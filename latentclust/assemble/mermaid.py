"""What each player computes in a step as Mermaid text, which GitHub draws in Markdown."""

from latentclust.assemble.graph import format_weight
from latentclust.assemble.resolve import Resolved
from latentclust.assemble.stages import Stage
from latentclust.assemble.step_plan import StepPlan

STYLES = ("classDef moved stroke-width:4px", "classDef loss stroke-dasharray:4")


def mermaid(resolved: Resolved) -> str:
    """A flowchart: a frame a player; what it moves is thick, other networks round, losses framed twice and dashed."""
    lines = ["flowchart LR"]
    plans = [(stage, plan) for stage in resolved.stages for plan in stage.plans.values()]
    for number, (stage, plan) in enumerate(plans):
        lines += _player(resolved, stage, plan, f"p{number}")
    return "\n".join([*lines, *(f"  {style}" for style in STYLES)]) + "\n"


def _player(resolved: Resolved, stage: Stage, plan: StepPlan, frame: str) -> list[str]:
    """The frame of a player, whose name begins those of all that is in it."""
    steps = resolved.recipe.players[plan.player].steps
    title = f"{stage.name}: player {plan.player}" if stage.name else f"player {plan.player}"
    lines = [f'  subgraph {frame}["{title}, {steps} step{"s" * (steps > 1)} a round"]']
    place = {name: f"{frame}v{number}" for number, name in enumerate([*plan.given, *(n.name for n in plan.nodes)])}
    for name in plan.given:
        shape = f'(["{name}"])' if name in resolved.roles else f'("{name}")'
        lines.append(f"    {place[name]}{shape}" + (":::moved" if name in plan.networks else ""))
    lines += [f'    {place[node.name]}["{node.name}"]' for node in plan.nodes]
    for number, term in enumerate(plan.terms):
        weight = format_weight(resolved.recipe.losses[term.name].weight)
        lines.append(f'    {frame}l{number}[["{term.name}, weight {weight}"]]:::loss')
    lines += [f"    {place[read]} --> {place[node.name]}" for node in plan.nodes for read in node.reads]
    for number, term in enumerate(plan.terms):
        lines += [f"    {place[read]} --> {frame}l{number}" for read in dict.fromkeys(term.reads)]
    return [*lines, "  end"]

"""Drawings of step plans: trees for the terminal, Graphviz and Mermaid."""

from rich.text import Text
from rich.tree import Tree

from latentclust.assemble.resolve import Resolved
from latentclust.assemble.stages import Stage
from latentclust.assemble.step_plan import PlannedLoss, PlannedQuantity, StepPlan
from latentclust.specs.schedule import Ramp, Schedule


def trees(resolved: Resolved) -> list[Tree]:
    """Return one tree per player: its losses, and below each the quantities that it depends on.

    A quantity that has been drawn above is only named. With stages, there is one tree per stage with its players.
    """
    found = []
    for stage in resolved.stages:
        players = [_player(resolved, plan) for plan in stage.plans.values()]
        if stage.name:
            tree = Tree(Text.assemble(("stage ", "italic"), (stage.name, "bold"), _begins(resolved, stage)))
            tree.children += players
            players = [tree]
        found += players
    return found


def _begins(resolved: Resolved, stage: Stage) -> str:
    start = resolved.recipe.stages[stage.name].start
    use = start if isinstance(start, str) or start is None else start.use
    return f": rounds {stage.first + 1} to {stage.last}" + (f", begins with {use}" if use else "")


def _player(resolved: Resolved, plan: StepPlan) -> Tree:
    table = resolved.recipe.players[plan.player]
    steps = f"{table.steps} step{'s' * (table.steps > 1)} a round"
    held = [name for name in plan.given if name in resolved.roles and name not in plan.networks]
    holds = f", holds {', '.join(held)}" if held else ""
    moves = f": {steps}, moves {', '.join(plan.networks)}{holds}"
    tree = Tree(Text.assemble(("player ", "italic"), (plan.player, "bold"), moves))
    nodes = {node.name: node for node in plan.nodes}
    drawn: set[str] = set()
    for term in plan.terms:
        branch = tree.add(_loss(resolved, term))
        for name in dict.fromkeys(term.reads):
            _quantity(branch, name, nodes, drawn)
    return tree


def _loss(resolved: Resolved, term: PlannedLoss) -> Text:
    table = resolved.recipe.losses[term.name]
    use = "" if table.use == term.name else f", a {table.use}"
    return Text.assemble((term.name, "bold"), f" (loss{use}, weight {format_weight(table.weight)})")


def _quantity(branch: Tree, name: str, nodes: dict[str, PlannedQuantity], drawn: set[str]) -> None:
    """Add a quantity and, the first time, the quantities it is computed from. Other arguments appear in its call."""
    node = nodes.get(name)
    if node is None:
        branch.add(Text(name, style="bold"))
        return
    if name in drawn:
        branch.add(Text.assemble(name, (" (above)", "italic")))
        return
    drawn.add(name)
    below = branch.add(Text.assemble(name, (f" = f({', '.join(node.reads)})", "italic")))
    for read in node.reads:
        if read in nodes:
            _quantity(below, read, nodes, drawn)


def dot(resolved: Resolved) -> str:
    """Return a Graphviz digraph with one subgraph per player. Networks are ellipses, losses have a double border."""
    lines = ["digraph step {", "  rankdir = LR;", "  node [shape = box];"]
    for stage in resolved.stages:
        for plan in stage.plans.values():
            lines += _dot_player(plan, f"{stage.name}/{plan.player}" if stage.name else plan.player)
    return "\n".join([*lines, "}"]) + "\n"


def _dot_player(plan: StepPlan, label: str) -> list[str]:
    def identity(name: str) -> str:
        return _quoted(f"{label}/{name}")

    lines = [f"  subgraph {_quoted(f'cluster_{label}')} {{", f"    label = {_quoted(label)};"]
    for name in plan.given:
        style = ", style = bold" if name in plan.networks else ""
        lines.append(f"    {identity(name)} [label = {_quoted(name)}, shape = ellipse{style}];")
    lines += [f"    {identity(node.name)} [label = {_quoted(node.name)}];" for node in plan.nodes]
    # A loss may have the name of a quantity or a network.
    lines += [
        f"    {identity(f'losses.{term.name}')} [label = {_quoted(term.name)}, peripheries = 2];" for term in plan.terms
    ]
    edges = [(read, node.name) for node in plan.nodes for read in node.reads]
    edges += [(read, f"losses.{term.name}") for term in plan.terms for read in term.reads]
    lines += [f"    {identity(read)} -> {identity(to)};" for read, to in edges]
    return [*lines, "  }"]


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def format_weight(weight: Schedule) -> str:
    """Return a weight as text: a number, or both ends of a ramp."""
    return f"{weight.start:g} to {weight.end:g}" if isinstance(weight, Ramp) else f"{weight:g}"


MERMAID_STYLES = ("classDef moved stroke-width:4px", "classDef loss stroke-dasharray:4")


def mermaid(resolved: Resolved) -> str:
    """Return a Mermaid flowchart, which GitHub draws, with one subgraph per player.

    Networks are round and those of the player thick; losses have a dashed double border.
    """
    lines = ["flowchart LR"]
    plans = [(stage, plan) for stage in resolved.stages for plan in stage.plans.values()]
    for number, (stage, plan) in enumerate(plans):
        lines += _mermaid_player(resolved, stage, plan, f"p{number}")
    return "\n".join([*lines, *(f"  {style}" for style in MERMAID_STYLES)]) + "\n"


def _mermaid_player(resolved: Resolved, stage: Stage, plan: StepPlan, frame: str) -> list[str]:
    """Return the lines of a player's subgraph. The names of its nodes begin with `frame`."""
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

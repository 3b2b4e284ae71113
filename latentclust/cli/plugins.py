"""`latentclust plugins`: the parts that recipes are made of, and who provides them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.options import Json
from latentclust.errors import LatentclustError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from latentclust.registry import Part, Registry

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[str | None, typer.Argument(metavar="KIND", help="backbone, prior, loss, ...; all unless given.")]


@app.callback()
def plugins() -> None:
    """The parts that recipes are made of."""


@app.command("list")
def list_parts(kind: Kind = None, json: Json = False) -> None:
    """List every part: its kind, who provides it, what it is and the options that its table takes.

    A part that another one shadows is listed by the name it answers to, DISTRIBUTION:NAME.
    Plugins that could not be loaded follow, with their error.

    Examples:
        latentclust plugins list
        latentclust plugins list loss
        latentclust plugins list dataset --json
    """
    from latentclust.cli.terminal import print_json, results
    from latentclust.registry import KINDS, installed

    if kind is not None and kind not in KINDS:
        raise LatentclustError.at("KIND", f"there is no kind {kind!r}", did_you_mean(kind, KINDS))
    registry, kinds = installed(), KINDS if kind is None else (kind,)
    if json:
        found = [_as_json(registry, part) for one in kinds for part in registry.parts(one)]
        broken = [{"provider": str(item.provider), "error": item.error} for item in registry.broken]
        print_json({"parts": found, "broken": broken})
        return
    console = results()
    for one in kinds:
        console.print(f"\n[bold]{one}[/]")
        for part in registry.parts(one):
            _print_part(console, registry, part)
    if registry.broken:
        console.print("\n[bold red]broken plugins[/]")
    for item in registry.broken:
        console.print(f"  {item.provider}: {item.error}", markup=False, soft_wrap=True)


def answers_to(registry: "Registry", part: "Part") -> str:
    """The name by which a recipe reaches this part: its own, or `distribution:name` where that one is another's."""
    try:
        same = registry.find(part.kind, part.name, "").qualified == part.qualified
    except LatentclustError:
        return part.qualified
    return part.name if same else part.qualified


def _print_part(console: "Console", registry: "Registry", part: "Part") -> None:
    from rich.text import Text

    from latentclust.part_options import part_options

    line = Text.assemble(
        "  ", (answers_to(registry, part), "cyan"), f"  {summary(part)}", (f"  ({part.provider})", "dim")
    )
    console.print(line, soft_wrap=True)
    for option in part_options(part.value):
        console.print(f"      {option}", style="dim", markup=False, soft_wrap=True)
        if option.description:
            console.print(f"          {option.description}", style="dim italic", markup=False, soft_wrap=True)


def summary(part: "Part") -> str:
    """What a part is, in a line: a data set's own, a system's description, or the first line of a docstring."""
    from latentclust.cli.shipped import description_of
    from latentclust.specs import DatasetSpec

    if isinstance(part.value, type) and issubclass(part.value, DatasetSpec):
        return part.value.summary
    return description_of(part.value) if part.kind == "system" else part.summary


def _as_json(registry: "Registry", part: "Part") -> dict[str, Any]:
    from dataclasses import asdict

    from latentclust.part_options import part_options

    return {
        "kind": part.kind,
        "name": answers_to(registry, part),
        "provider": part.provider.distribution,
        "version": part.provider.version,
        "summary": summary(part),
        "options": [asdict(option) for option in part_options(part.value)],
    }

"""`latentclust recipe`: check, show, list and create recipes."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json, Plugins, RecipeName, Settings

app = typer.Typer(no_args_is_help=True)

WithData = Annotated[bool, typer.Option("--with-data", help="Also open the data, build the networks and try a step.")]
Defaults = Annotated[bool, typer.Option("--defaults", help="Also show unset keys with their defaults.")]
Graph = Annotated[bool, typer.Option("--graph", help="Draw what each player computes in a step.")]
Dot = Annotated[bool, typer.Option("--dot", help="With --graph: print Graphviz text.")]
Mermaid = Annotated[bool, typer.Option("--mermaid", help="With --graph: print Mermaid text, which GitHub draws.")]
ShownName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A TOML file, the name of a shipped recipe, or a system NAME@VERSION.",
        show_default=False,
    ),
]
System = Annotated[
    str | None,
    typer.Option(
        help="System to extend, such as clustergan or dls@1. Defaults to what suits the images of an image-folder; "
        "for rasters, to mixture-pixel; otherwise to dccs.",
        show_default=False,
    ),
]
Data = Annotated[str, typer.Option(help="Data set. image-folder reads your own images.")]
DataPath = Annotated[
    Path | None,
    typer.Option("--path", help="Path of the data. Images of an image-folder are looked at.", show_default=False),
]
FromScene = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="SCENE",
        help="With --data raster: look at the scene, and write a recipe with its bands, nodata, windows and a first "
        "guess of the number of clusters.",
        show_default=False,
    ),
]
NewFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the recipe to FILE instead of printing it.")]


@app.callback()
def recipe() -> None:
    """Check, show, list and create recipes, the TOML files that describe experiments."""


@app.command()
def check(recipe: RecipeName, settings: Settings = None, plugins: Plugins = None, with_data: WithData = False) -> None:
    """Report all errors in a recipe, or `ok`.

    Nothing is trained, and without --with-data no image is read: missing data are then a warning.

    Examples:
        latentclust recipe check mine.toml
        latentclust recipe check digits --set prior.clusters=1
    """
    from latentclust.assemble.experiment import assemble
    from latentclust.assemble.memory import memory_warning, network_memory
    from latentclust.assemble.remarks import recipe_remarks
    from latentclust.cli.new_recipe import find_missing
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_lines, stderr_console
    from latentclust.data.roots import data_roots
    from latentclust.runs.run import load_resolved_recipe
    from latentclust.runs.trial_step import try_steps

    resolved = load_resolved_recipe(recipe, tuple(settings or ()))
    warnings = [*resolved.loaded.layered.dropped.values(), *recipe_remarks(resolved)]
    sizes = ""
    missing = find_missing(resolved.dataset, data_roots())
    if missing is not None:
        if with_data:
            raise missing
        warnings.append(str(missing))
    if with_data:
        with show_phases("opening the data") as phases:
            experiment = assemble(resolved, data_roots(), phases)
            phases.begin("trying a step")
            try_steps(experiment)
        found = network_memory(resolved, experiment.shape)
        warnings += [*experiment.data.notes, *filter(None, [memory_warning(resolved, experiment.shape)])]
        sizes = f": {len(experiment.data.source):,} samples" + (f", {found}" if found else "")
    print_lines(stderr_console(), warnings)
    print(f"ok{sizes}")


@app.command()
def show(
    recipe: ShownName,
    settings: Settings = None,
    plugins: Plugins = None,
    defaults: Defaults = False,
    graph: Graph = False,
    dot: Dot = False,
    mermaid: Mermaid = False,
) -> None:
    """Print a recipe merged with its bases. A comment names the file or option that set each value.

    The output is itself a recipe. With --graph, print the quantities of a training step instead: one
    tree per player, from its losses down to the networks that they read. A system is shown by its
    NAME@VERSION, with a placeholder data set.

    Examples:
        latentclust recipe show digits
        latentclust recipe show digits --graph
        latentclust recipe show digits --graph --dot | dot -Tsvg > step.svg
        latentclust recipe show dls@1 --graph --mermaid
    """
    from latentclust.assemble.graph import dot as as_dot
    from latentclust.assemble.graph import mermaid as as_mermaid
    from latentclust.assemble.graph import trees
    from latentclust.assemble.resolve import resolve_system, with_defaults
    from latentclust.cli.terminal import print_text, stdout_console
    from latentclust.plugins.registry import installed
    from latentclust.recipe.show import annotated
    from latentclust.runs.run import load_resolved_recipe

    given = tuple(settings or ())
    resolved = resolve_system(recipe, installed(), given) if "@" in recipe else load_resolved_recipe(recipe, given)
    if mermaid:
        print_text(as_mermaid(resolved))
    elif dot:
        print_text(as_dot(resolved))
    elif graph and not resolved.plans:
        stdout_console().print("no step: the recipe trains nothing")
    elif graph:
        for tree in trees(resolved):
            stdout_console().print(tree)
    else:
        print_text(annotated(with_defaults(resolved) if defaults else resolved.loaded.layered))


@app.command("list")
def list_recipes(json: Json = False) -> None:
    """List the shipped recipes. Each can be run by its name.

    Examples:
        latentclust recipe list
        latentclust run digits
    """
    from dataclasses import asdict

    from rich.table import Table

    from latentclust.cli.shipped_recipes import list_shipped
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import installed

    found = list_shipped(installed())
    if json:
        print_json([asdict(item) for item in found])
        return
    table = Table("recipe", "system", "data", "description")
    for item in found:
        table.add_row(item.name, item.system, item.data, item.description)
    console = stdout_console()
    console.print(table)
    systems = ", ".join(part.name for part in installed().parts("system"))
    console.print(f"Systems to extend: {systems}", soft_wrap=True)


@app.command()
def new(
    system: System = None,
    data: Data = "image-folder",
    path: DataPath = None,
    scene: FromScene = None,
    plugins: Plugins = None,
    out: NewFile = None,
) -> None:
    """Create a recipe: a commented TOML file that passes `recipe check`.

    Examples:
        latentclust recipe new --path photos --out mine.toml
        latentclust recipe new --system dls --data fashion-mnist --out fashion.toml
        latentclust recipe new --data raster --from scene.tif --out mine.toml
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, print_lines, print_text, shell_command, stdout_console

    with show_phases("looking at the data") as phases:
        from latentclust.cli.new_recipe import fill_in, write_new_recipe
        from latentclust.plugins.registry import installed

        text = write_new_recipe(installed(), system, data, out, path, scene, phases=phases)
    if out is None:
        print_text(text)
        return
    file = display_path(out)
    stdout_console().print(f"wrote {file}. {fill_in(text)}, then run:", soft_wrap=True)
    print_lines(stdout_console(), [shell_command("recipe", "check", file, "--with-data"), shell_command("run", file)])

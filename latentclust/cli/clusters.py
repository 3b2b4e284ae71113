"""`latentclust clusters`: previews of the clusters of a model, and their names in the model and its outputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.declared_options import OptionCommand, read_options, takes_options
from latentclust.cli.shared_options import (
    LARGEST_SEED,
    Device,
    Field,
    ImageFolders,
    Json,
    ModelPath,
    PathField,
    Plugins,
    scene_options,
)
from latentclust.errors import Issue, LatentclustError, raise_all

if TYPE_CHECKING:
    from latentclust.labelling.outputs.legend import Legend

app = typer.Typer(no_args_is_help=True)

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...",
        help="Rasters, folders, 'glob patterns', URLs, STAC items, or .txt files that list them.",
        show_default=False,
    ),
]
Png = Annotated[Path, typer.Option(metavar="PNG", help="PNG file to write.", show_default=False)]
Patches = Annotated[int, typer.Option(min=1, max=64, help="Maximum number of patches per cluster.")]
Size = Annotated[int, typer.Option(min=8, max=256, help="Patch size in pixels.")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Random seed for the choice of windows.")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NUMBER=NAME...", help="Names by cluster: 3=water; 3= removes the name.", show_default=False
    ),
]
Colours = Annotated[
    list[str] | None,
    typer.Option("--colour", metavar="NAME=#RRGGBB", help="Colour of a class: water=#2b6cb0. Repeatable."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Output folder of latentclust label.", show_default=False)]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL", help="Model of the outputs. Defaults to the one in labelling.json.", show_default=False
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Table of labelled images, or vector file of points and polygons."),
]
LabelScenes = Annotated[
    list[str] | None,
    typer.Option(
        "--scenes", metavar="SCENES", help="Rasters, folders or 'glob patterns' in which the shapes lie. Repeatable."
    ),
]
OneToOne = Annotated[
    bool, typer.Option("--one-to-one", help="Each class names at most one cluster (Hungarian method).")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the names, and write nothing.")]
SampleSeed = Annotated[
    int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Random seed for inference that samples.")
]


@app.callback()
def clusters() -> None:
    """Preview clusters, name them and update finished outputs."""


@app.command("preview", cls=OptionCommand)
@takes_options(scene_options, panel="Scenes")
def preview_clusters(
    model: ModelPath,
    scenes: Scenes,
    out: Png,
    patches: Patches = 8,
    size: Size = 64,
    seed: Seed = 0,
    plugins: Plugins = None,
    device: Device = "auto",
    **values: Any,
) -> None:
    """Draw sample patches of every cluster, to find names for the clusters.

    PNG gets one row per cluster: number, name, colour, share of pixels, and patches from all over the
    scenes in which the cluster is certain and frequent, outlined and with the rest dimmed. Only
    randomly chosen windows are read, never whole large scenes. Scenes that cannot be read or do not
    match the model are left out and named. Options of scenes are those of `latentclust label`.

    Examples:
        latentclust clusters preview runs/rmnp/20260101-120000-0 scenes/ --out clusters.png
        latentclust clusters preview model.safetensors 'scenes/*.tif' --out clusters.png --size 128
    """
    if out.suffix.lower() != ".png":
        raise LatentclustError.at("--out", f"{out} is not a .png file", "End the name in .png")
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, shell_command, stderr_console, stdout_console

    console, options = stderr_console(), read_options(scene_options(), values)
    with show_phases("loading the model") as phases:
        from latentclust.labelling.clusters.preview import preview
        from latentclust.model.model_file import load
        from latentclust.report.plotting import save_figure
        from latentclust.train.devices import first_device

        loaded = load(model, first_device(device))
        count = phases.begin("labelling windows")
        found = preview(loaded, scenes, patches, size, seed, count.reach, options)
        phases.begin("drawing")
        save_figure(found.figure, out)
    for text in (*(f"warning: {text}" for text in found.warnings), *(f"left out: {each}" for each in found.left_out)):
        console.print(text, soft_wrap=True)
    stdout_console().print(f"wrote {display_path(out)}", soft_wrap=True)
    suggestion = shell_command("clusters", "name", display_path(model), "1=NAME", "2=NAME")
    stdout_console().print(f"name the clusters: {suggestion}", soft_wrap=True)


@app.command("name")
def name_clusters(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    pairs: Pairs = None,
    colour: Colours = None,
    labels: Labels = None,
    field: Field = None,
    path_field: PathField = None,
    images: ImageFolders = None,
    scenes: LabelScenes = None,
    one_to_one: OneToOne = False,
    dry_run: DryRun = False,
    seed: SampleSeed = 0,
    plugins: Plugins = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Name the clusters in a model file, by hand or from few labels. Without names, show them.

    Clusters with the same name form one class. Names do not change what the model computes: earlier
    outputs stay valid, and `clusters apply` updates their names.

    With --from, each cluster gets the class of most of its labels: of images, listed in a table with
    the columns path and class, or of points and polygons in scenes. Nothing is trained on the labels.
    Clusters that they do not decide keep the name that they have.

    Examples:
        latentclust clusters name runs/rmnp/20260101-120000-0 3=water 5=water 1=forest
        latentclust clusters name model.safetensors --colour water=#2b6cb0
        latentclust clusters name model.safetensors 3=
        latentclust clusters name runs/photos --from labels.csv --images photos --dry-run
        latentclust clusters name runs/rmnp --from areas.gpkg --field cover --scenes scenes/
    """
    only = {
        "--field": field,
        "--path-field": path_field,
        "--images": images,
        "--scenes": scenes,
        "--one-to-one": one_to_one,
        "--dry-run": dry_run,
        "--seed": seed,
    }
    _check_naming(labels, pairs or [], colour or [], only)
    if labels is not None:
        from latentclust.cli.label_naming import name_from_file

        name_from_file(
            model, labels, field, path_field, images or [], scenes or [], one_to_one, dry_run, device, seed, json
        )
        return
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.labelling.clusters.cluster_names import name_clusters as change
    from latentclust.labelling.outputs.legend import Legend

    named = change(model, pairs or (), colour or ())
    found = {"clusters": Legend.from_clusters(named), "classes": Legend.from_classes(named)}
    if json:
        sources = {"named_from": [record.as_json(named.names) for record in named.named_from]}
        print_json({"model": str(model), **{kind: legend.as_json() for kind, legend in found.items()}, **sources})
        return
    _show(found["clusters"], found["classes"])
    for sentence in named.naming:
        stdout_console().print(sentence, soft_wrap=True)


def _check_naming(labels: Path | None, pairs: list[str], colours: list[str], only: Mapping[str, object]) -> None:
    """Raise LatentclustError if options of few labels are given without --from, or names and colours with it.

    Args:
        labels: Value of --from.
        pairs: Names by hand.
        colours: Values of --colour.
        only: Options that need --from.
    """
    issues = []
    if labels is None:
        fix = "Add --from FILE, or remove the option"
        issues = [Issue(option, "has no effect without --from", fix) for option, given in only.items() if given]
    else:
        given = [*pairs[:1], *(["--colour"] if colours else [])]
        fix = "Name clusters from labels first, and by hand in a second command"
        issues = [Issue(one, "cannot be combined with --from", fix) for one in given]
    raise_all(issues)


@app.command("apply")
def apply_names(folder: Folder, model: Model = None, plugins: Plugins = None, json: Json = False) -> None:
    """Update names and colours of the outputs in DIR from the model that labelled them.

    Nothing is computed again: label rasters keep their pixels and get a new colour table. Rasters of
    classes and the legend files next to the rasters are rewritten.

    Examples:
        latentclust clusters apply labels
        latentclust clusters apply labels --model runs/rmnp/20260101-120000-0
    """
    from latentclust.cli.terminal import display_path, print_json, stdout_console
    from latentclust.labelling.clusters.restyle import restyle

    done = restyle(folder, model)
    if json:
        print_json(done.as_json())
        return
    count, classes = len(done.rasters), len(done.classes.entries) - 1
    line = f"updated {count:,} raster{'' if count == 1 else 's'} in {display_path(folder)} with {classes:,} classes"
    stdout_console().print(line, soft_wrap=True)


def _show(clusters: "Legend", classes: "Legend") -> None:
    """Print one line per cluster with its class in rasters of classes."""
    from rich.table import Table
    from rich.text import Text

    from latentclust.cli.terminal import stdout_console

    values = {cluster: entry for entry in classes.entries for cluster in entry.clusters}
    table = Table()
    for heading in ("cluster", "class"):
        table.add_column(heading, justify="right")
    table.add_column("name")
    table.add_column("colour")
    for entry in clusters.entries[1:]:
        value = values[entry.value].value
        swatch = Text.assemble(("  ", f"on {entry.hex}"), f" {entry.hex}")
        table.add_row(f"{entry.value}", f"{value}", Text(entry.name), swatch)
    stdout_console().print(table)

"""Options and arguments of several commands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from latentclust.labelling.scene_options import SceneOptions

LARGEST_SEED = 2**63 - 1
"""Largest random seed that torch accepts."""

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe value: train.rounds=500. Repeatable."),
]

Device = Annotated[str, typer.Option(help="Device: auto, cpu, cuda or cuda:N.")]

ModelPath = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run folder or its model.safetensors.", show_default=False)
]

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a shipped recipe.", show_default=False)
]


def _use_plugins(context: Any, given: list[str] | None) -> list[str] | None:
    """Add the plugins to the registry until the command ends."""
    if given and not context.resilient_parsing:
        from latentclust.plugins.registry import use_plugins

        context.with_resource(use_plugins(given))
    return given


Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Use the parts of a .py file, or of a module. Its code is run. Repeatable.",
        callback=_use_plugins,
    ),
]
"""Plugins that need not be installed. The callback of the option registers them, so that commands need not."""

Field = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column or attribute with the classes. Default: class, label or category."),
]
PathField = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column with the paths. Default: path, file, filename or image."),
]
ImageFolders = Annotated[
    list[Path] | None,
    typer.Option("--images", metavar="DIR", help="Folder of the images, searched after that of the table. Repeatable."),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def scene_options() -> "type[SceneOptions]":
    """Return the options of how scenes are read, which several commands take."""
    from latentclust.labelling.scene_options import SceneOptions

    return SceneOptions

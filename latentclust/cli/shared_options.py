"""Options and arguments of several commands."""

from pathlib import Path
from typing import Annotated

import typer

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

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

"""New recipes with comments, written from the descriptions of a system and a data set."""

import re
from pathlib import Path
from typing import Any

from latentclust.cli.shipped_recipes import description_of
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.plugins.options import PartOption, part_options
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.load import load_recipe
from latentclust.recipe.merge import Layered
from latentclust.recipe.show import inline
from latentclust.specs.parts import DatasetSpec, SceneDatasetSpec

PLACEHOLDERS: dict[str, Any] = {"Path": "path/to/your/data", "str": "fill-in", "int": 1, "float": 1.0, "bool": False}
"""Placeholders of required options, by type."""

HEAD = """\
# An experiment. Check it, show it with all defaults, and run it:
#   latentclust recipe check FILE
#   latentclust recipe show FILE --defaults
#   latentclust run FILE
schema = 1
extends = {system} # {description}
name = {name} # the folder of its runs
seed = 0
"""

BODY = """
[prior]
clusters = {clusters} # number of clusters
{stages}
[train]
{rounds}batch_size = {batch_size}

[evaluate] # without labels the metrics are left out
metrics = {metrics}
baselines = {baselines}
"""

ROUNDS = "rounds = {rounds} # the system's default; a few hundred are enough for a first try\n"

METRICS, BASELINES = ["accuracy", "purity", "nmi", "ari"], ["kmeans"]
"""Metrics and baselines for a system that does not set its own."""

NETWORKS = """
# Other networks: a table whose `use` differs from the system's replaces it.
# List them with: latentclust plugins list backbone
"""

LOSSES = """
# The system's losses: change a weight, or disable a term with enabled = false.
"""


SCENES_RECIPE, SCENES_SYSTEM = "rmnp", "cgm-pixel"
"""Shipped recipe that recipes of rasters extend, and its system: its models label scenes."""

SCENES_DESCRIPTION = f"{SCENES_SYSTEM} with the settings for rasters: its models label scenes"

IMAGES_SYSTEM = "dccs"
"""System of other recipes."""


def write_new_recipe(registry: Registry, system: str | None, data: str, out: Path | None) -> str:
    """Return the text of a new recipe, and write it to `out` unless that is None.

    Args:
        registry: Registry of the parts.
        system: System to extend. Defaults to `IMAGES_SYSTEM`; for rasters, to the shipped recipe `SCENES_RECIPE`.
        data: Data set.
        out: File to write. None to write none.

    Raises:
        LatentclustError: If the system or data set does not exist, or the file already exists.
    """
    if out is not None and out.exists():
        raise LatentclustError.at(str(out), "already exists", "Name another file with --out")
    dataset = registry.find("dataset", data, "--data")
    base, description = _base(registry, system, dataset)
    name = out.stem if out else data.rpartition(":")[2]
    text = _text(registry, base, description, dataset, data, re.sub(r"[^\w.-]", "-", name).lstrip(".-") or "mine")
    if out is not None:
        write_atomic(out, text)
    return text


def fill_in(text: str) -> str:
    """Return what to do with a new recipe, as an imperative without a full stop."""
    return (
        f"Replace {PLACEHOLDERS['Path']} in it by the path of your data" if PLACEHOLDERS["Path"] in text else "Edit it"
    )


def find_missing(dataset: DatasetSpec, roots: tuple[Path, ...]) -> LatentclustError | None:
    """Return the error of a data set whose path is a placeholder, or a file or folder that does not exist, or None."""
    path = dataset.model_dump().get("path")
    if str(path) == PLACEHOLDERS["Path"]:
        return LatentclustError.at("data.path", f"{path} is a placeholder", "Write the path of your data")
    if not isinstance(path, Path) or dataset.located(roots) is not None:
        return None
    return LatentclustError.at("data.path", f"{path} does not exist", "Check the path")


def _base(registry: Registry, system: str | None, dataset: Part) -> tuple[str, str]:
    """Return the name and the description of what the recipe extends."""
    scenes = issubclass(dataset.value, SceneDatasetSpec)
    if scenes and (system is None or system.partition("@")[0] == SCENES_SYSTEM):
        return SCENES_RECIPE, SCENES_DESCRIPTION
    found = registry.find("system", _versioned(registry, system or IMAGES_SYSTEM), "--system")
    return found.name, description_of(found.value)


def _versioned(registry: Registry, system: str) -> str:
    """Return a system's name with its newest version, or unchanged if it has a version."""
    if "@" in system:
        return system
    versions = [part.name for part in registry.parts("system") if part.name.partition("@")[0] == system]
    return max(versions, key=lambda name: (len(name), name), default=f"{system}@1")


def _text(registry: Registry, base: str, description: str, dataset: Part, data: str, name: str) -> str:
    options = part_options(dataset.value)
    given = {option.name: _placeholder(option) for option in options if option.required}
    start = {"schema": 1, "extends": base, "name": name, "data": {"use": data, **given}}
    layered = load_recipe(start, registry).layered
    head = HEAD.format(system=inline(base), description=description, name=inline(name))
    train, scored = layered.tree["train"], layered.tree.get("evaluate", {})
    stages = layered.tree.get("stages", {})
    body = BODY.format(
        clusters=layered.tree["prior"]["clusters"],
        stages="".join(f"\n[stages.{name}]\n{ROUNDS.format(**table)}" for name, table in stages.items()),
        rounds="" if stages else ROUNDS.format(**train),
        batch_size=train.get("batch_size", 64),
        metrics=inline(scored.get("metrics", METRICS)),
        baselines=inline(scored.get("baselines", BASELINES)),
    )
    return head + _data(data, dataset, options, layered.tree["data"]) + body + _losses(layered) + _networks(layered)


def _data(data: str, dataset: Part, options: list[PartOption], given: dict[str, Any]) -> str:
    """Return the data table: required options with placeholders, optional ones as comments with their values."""
    lines = [f"\n[data] # {dataset.value.summary}", f"use = {inline(data)}"]
    for option in options:
        if option.required:
            lines.append(f"{option.name} = {inline(given[option.name])} # {option.type}; fill this in")
        else:
            value = given.get(option.name, option.default)
            default = "" if value is None else f" {inline(_writable(value))}"
            lines.append(f"# {option.name} ={default} # {option.type}")
    return "\n".join(lines) + "\n"


def _writable(value: Any) -> Any:
    """Return a default as a TOML value, for example a path as text."""
    return value if isinstance(value, (bool, int, float, str, list, tuple, dict)) else str(value)


def _placeholder(option: PartOption) -> Any:
    if option.name == "path":
        return PLACEHOLDERS["Path"]
    return PLACEHOLDERS.get(option.type.split(" ")[0], PLACEHOLDERS["str"])


def _losses(layered: Layered) -> str:
    weights = {name: table.get("weight", 1.0) for name, table in layered.tree["losses"].items()}
    return LOSSES + "".join(f"# [losses.{name}]\n# weight = {inline(weight)}\n" for name, weight in weights.items())


def _networks(layered: Layered) -> str:
    tables = layered.tree["networks"].items()
    return NETWORKS + "".join(f"# [networks.{name}]\n# use = {inline(table['use'])}\n" for name, table in tables)

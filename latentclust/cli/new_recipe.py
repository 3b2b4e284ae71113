"""New recipes with comments, written from the descriptions of a system and a data set."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentclust.cli.image_recipe import DATA, Proposal, propose
from latentclust.cli.shipped_recipes import description_of
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.files import write_atomic
from latentclust.phases import SILENT, Phases
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
{why}schema = 1
extends = {system} # {description}
name = {name} # the folder of its runs
seed = 0
"""

FEATURES = """
[features] # the frozen network
{options}
"""

BODY = """
[prior]
clusters = {clusters} # number of clusters
{stages}{train}
[evaluate] # without labels the metrics are left out
metrics = {metrics}
baselines = {baselines}
"""

TRAIN = """
[train]
{rounds}batch_size = {batch_size}
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


SCENES_DATA, SCENES_SYSTEM = "raster", "mixture-pixel"
"""Data set of rasters, and system of their recipes."""

SCENES_RECIPES = {SCENES_SYSTEM: "rmnp", "cgm-pixel": "rmnp-cgm"}
"""Shipped recipes that recipes of rasters extend, by system: their models label scenes."""

IMAGES_SYSTEM = "dccs"
"""System of other recipes."""


def write_new_recipe(
    registry: Registry,
    system: str | None,
    data: str,
    out: Path | None,
    path: Path | None = None,
    scene: str | None = None,
    *,
    phases: Phases = SILENT,
) -> str:
    """Return the text of a new recipe, and write it to `out` unless that is None.

    Args:
        registry: Registry of the parts.
        system: System to extend. Defaults to what suits the images of a folder; for rasters, to `SCENES_SYSTEM`;
            otherwise to `IMAGES_SYSTEM`. For rasters, a shipped recipe of the system is extended, if there is one.
        data: Data set.
        out: File to write. None to write none.
        path: Path of the data. None leaves a placeholder.
        scene: Scene that the recipe of rasters fits. None to begin from the settings of the shipped recipe.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the system, the data set or its path does not exist, or the file already exists.
    """
    if out is not None and out.exists():
        raise LatentclustError.at(str(out), "already exists", "Name another file with --out")
    dataset = registry.find("dataset", data, "--data")
    name = re.sub(r"[^\w.-]", "-", out.stem if out else data.rpartition(":")[2]).lstrip(".-") or "mine"
    if scene is not None:
        _check_scene_options(system, data, path)
        from latentclust.cli.scene_recipe import scene_recipe

        text = scene_recipe(registry, scene, name, phases)
    else:
        text = _of_system(registry, system, dataset, data, name, path)
    if out is not None:
        write_atomic(out, text)
    return text


def _check_scene_options(system: str | None, data: str, path: Path | None) -> None:
    """Raise LatentclustError if options do not go with a scene that the recipe fits."""
    issues = []
    if data != SCENES_DATA:
        issues.append(Issue("--from", f"needs rasters, got --data {data}", f"Add --data {SCENES_DATA}"))
    if path is not None:
        issues.append(Issue("--path", f"{path} is given beside --from", "Leave it out: --from names the scene"))
    if system is not None and system.partition("@")[0] != SCENES_SYSTEM:
        fix = f"Leave it out, or leave out --from: recipes that fit a scene are of {SCENES_SYSTEM}"
        issues.append(Issue("--system", f"{system} is given beside --from", fix))
    raise_all(issues)


def _of_system(registry: Registry, system: str | None, dataset: Part, data: str, name: str, path: Path | None) -> str:
    """Return the text of a recipe with the settings of its system."""
    if path is not None and "path" not in {option.name for option in part_options(dataset.value)}:
        raise LatentclustError.at("--path", f"{data} has no path", "Leave it out, or choose other data with --data")
    proposal = propose(registry, path) if data == DATA and system is None else Proposal(system or "", ())
    given = {"use": data, **({} if path is None else {"path": str(path)}), **proposal.data}
    base, description = _base(registry, proposal.system or None, dataset)
    return _text(registry, (base, description), dataset, name, given, proposal)


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
    if issubclass(dataset.value, SceneDatasetSpec):
        plain = (system or SCENES_SYSTEM).partition("@")[0]
        if plain in SCENES_RECIPES:
            return SCENES_RECIPES[plain], f"{plain} with settings for rasters: its models label scenes"
    found = registry.find("system", _versioned(registry, system or IMAGES_SYSTEM), "--system")
    return found.name, description_of(found.value)


def _versioned(registry: Registry, system: str) -> str:
    """Return a system's name with its newest version, or unchanged if it has a version."""
    if "@" in system:
        return system
    versions = [part.name for part in registry.parts("system") if part.name.partition("@")[0] == system]
    return max(versions, key=lambda name: (len(name), name), default=f"{system}@1")


def _text(
    registry: Registry,
    base: tuple[str, str],
    dataset: Part,
    name: str,
    known: dict[str, Any],
    proposal: Proposal,
) -> str:
    options = part_options(dataset.value)
    given = {option.name: _placeholder(option) for option in options if option.required} | known
    start = {"schema": 1, "extends": base[0], "name": name, "data": given}
    layered = load_recipe(start, registry).layered
    head = HEAD.format(
        system=inline(base[0]),
        description=base[1],
        name=inline(name),
        why="".join(f"#\n# {line}\n" if not number else f"# {line}\n" for number, line in enumerate(proposal.why)),
    )
    train, scored = layered.tree["train"], layered.tree.get("evaluate", {})
    stages = layered.tree.get("stages", {})
    body = BODY.format(
        clusters=layered.tree["prior"]["clusters"],
        stages="".join(f"\n[stages.{name}]\n{ROUNDS.format(**table)}" for name, table in stages.items()),
        train=_train(train, bool(stages)),
        metrics=inline(scored.get("metrics", METRICS)),
        baselines=inline(scored.get("baselines", BASELINES)),
    )
    data = _data(dataset, options, layered.tree["data"], known)
    return head + data + _features(proposal) + body + _losses(layered) + _networks(layered)


def _features(proposal: Proposal) -> str:
    """Return the table of the frozen network. Empty if the recipe keeps that of its system, if any."""
    if not proposal.features:
        return ""
    return FEATURES.format(options="\n".join(f"{key} = {inline(value)}" for key, value in proposal.features.items()))


def _data(dataset: Part, options: list[PartOption], given: dict[str, Any], known: dict[str, Any]) -> str:
    """Return the data table: what is known, placeholders of required options, comments for the others."""
    lines = [f"\n[data] # {dataset.value.summary}", f"use = {inline(given['use'])}"]
    for option in options:
        if option.name in known:
            lines.append(f"{option.name} = {inline(given[option.name])} # {option.type}")
        elif option.required:
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


def _train(table: Mapping[str, Any], has_stages: bool) -> str:
    """Return the table `[train]`; nothing for a system that trains nothing."""
    if table.get("rounds") == 0:
        return ""
    rounds = "" if has_stages else ROUNDS.format(**table)
    return TRAIN.format(rounds=rounds, batch_size=table.get("batch_size", 64))


def _losses(layered: Layered) -> str:
    weights = {name: table.get("weight", 1.0) for name, table in layered.tree.get("losses", {}).items()}
    listed = "".join(f"# [losses.{name}]\n# weight = {inline(weight)}\n" for name, weight in weights.items())
    return LOSSES + listed if listed else ""


def _networks(layered: Layered) -> str:
    tables = layered.tree.get("networks", {}).items()
    listed = "".join(f"# [networks.{name}]\n# use = {inline(table['use'])}\n" for name, table in tables)
    return NETWORKS + listed if listed else ""

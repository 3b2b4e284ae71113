"""A commented recipe to begin with, written from what the system and the data set say of themselves."""

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

PLACEHOLDERS: dict[str, Any] = {"Path": "path/to/your/data", "str": "fill-in", "int": 1, "float": 1.0, "bool": False}
"""What stands for an option that must be given, by its type."""

HEAD = """\
# A whole experiment. What is wrong with it, all that it comes to, and running it:
#   latentclust recipe check FILE
#   latentclust recipe show FILE --defaults
#   latentclust run FILE
schema = 1
extends = {system} # {description}
name = {name} # names the folder of its runs
seed = 0
"""

BODY = """
[prior]
clusters = {clusters} # how many clusters to look for
{stages}
[train]
{rounds}batch_size = {batch_size}

[evaluate] # metrics are left out where the data have no labels
metrics = {metrics}
baselines = {baselines}
"""

ROUNDS = "rounds = {rounds} # the system's own; begin with a few hundred to see it run\n"

METRICS, BASELINES = ["accuracy", "purity", "nmi", "ari"], ["kmeans"]
"""What scores a system that does not say it itself, as those of label maps do."""

NETWORKS = """
# Other networks: a table whose `use` differs from the system's replaces it.
# The choices: latentclust plugins list backbone
"""

LOSSES = """
# The system's losses: change a weight, or take a term out by enabled = false.
"""


def write_new_recipe(registry: Registry, system: str, data: str, out: Path | None) -> str:
    """The recipe's text, written to `out` where that is given.

    Raises:
        LatentclustError: No such system or data set, or a file that is already there.
    """
    if out is not None and out.exists():
        raise LatentclustError.at(str(out), "is already there", "Name another file with --out")
    base = registry.find("system", _versioned(registry, system), "--system")
    dataset = registry.find("dataset", data, "--data")
    name = out.stem if out else data.rpartition(":")[2]
    text = _text(registry, base, dataset, data, re.sub(r"[^\w.-]", "-", name).lstrip(".-") or "mine")
    if out is not None:
        write_atomic(out, text)
    return text


def _versioned(registry: Registry, system: str) -> str:
    """A system's name with its newest version, unless one is given."""
    if "@" in system:
        return system
    versions = [part.name for part in registry.parts("system") if part.name.partition("@")[0] == system]
    return max(versions, key=lambda name: (len(name), name), default=f"{system}@1")


def _text(registry: Registry, base: Part, dataset: Part, data: str, name: str) -> str:
    options = part_options(dataset.value)
    given = {option.name: _placeholder(option) for option in options if option.required}
    start = {"schema": 1, "extends": base.name, "name": name, "data": {"use": data, **given}}
    layered = load_recipe(start, registry).layered
    head = HEAD.format(system=inline(base.name), description=description_of(base.value), name=inline(name))
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
    return head + _data(data, dataset, options, given) + body + _losses(layered) + _networks(layered)


def _data(data: str, dataset: Part, options: list[PartOption], given: dict[str, Any]) -> str:
    """The data table: what must be given stands open, what may be is a comment."""
    lines = [f"\n[data] # {dataset.value.summary}", f"use = {inline(data)}"]
    for option in options:
        if option.required:
            lines.append(f"{option.name} = {inline(given[option.name])} # {option.type}; fill this in")
        else:
            default = "" if option.default is None else f" {inline(_writable(option.default))}"
            lines.append(f"# {option.name} ={default} # {option.type}")
    return "\n".join(lines) + "\n"


def _writable(value: Any) -> Any:
    """A default as TOML can hold it: a path, say, as text."""
    return value if isinstance(value, (bool, int, float, str, list, tuple, dict)) else str(value)


def _placeholder(option: PartOption) -> Any:
    return PLACEHOLDERS.get(option.type.split(" ")[0], PLACEHOLDERS["str"])


def _losses(layered: Layered) -> str:
    weights = {name: table.get("weight", 1.0) for name, table in layered.tree["losses"].items()}
    return LOSSES + "".join(f"# [losses.{name}]\n# weight = {inline(weight)}\n" for name, weight in weights.items())


def _networks(layered: Layered) -> str:
    tables = layered.tree["networks"].items()
    return NETWORKS + "".join(f"# [networks.{name}]\n# use = {inline(table['use'])}\n" for name, table in tables)

"""What a table of a paper is: rows of a recipe, settings and the paper's figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe, shipped_recipes

Budget = Literal["paper", "cpu", "smoke"]

SCORES = {"purity": "purity", "nmi": "NMI", "ari": "ARI"}
ACCURACY = {"accuracy": "ACC", "nmi": "NMI", "ari": "ARI"}

VERSIONS = {"gan": "gan@1", "infogan": "infogan@2"}
"""Systems that rival ClusterGAN in its tables."""

PAPER_RECIPE = "{}-paper"
"""Name of the recipe with the settings and the budget of the paper, where one is shipped."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a recipe that is trained, and what the paper has for it.

    Attributes:
        name: Data set and method, unique in its table.
        recipe: Name of a shipped recipe. The budget `paper` trains `RECIPE-paper` if it is shipped.
        paper: The paper's figures by metric. Empty if it has none, or for data that the paper does not use.
        settings: Settings `key=value` over the recipe.
        system: Another system that is trained on the data of the recipe with its networks.
        baseline: Baseline of the recipe whose scores the row has, instead of those of the system.
        readout: Other inference of the recipe whose scores the row has.
        paper_only: Why the row is trained with the budget `paper` alone; empty if it is trained with both.
    """

    name: str
    recipe: str
    paper: Mapping[str, float] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    system: str = ""
    baseline: str = ""
    readout: str = ""
    paper_only: str = ""

    def source(self, budget: Budget) -> str | dict[str, Any]:
        """Return the recipe of a budget: a shipped name, or the tables of the other system."""
        full = PAPER_RECIPE.format(self.recipe)
        name = full if budget == "paper" and full in shipped_recipes() else self.recipe
        return rival(self.system, name) if self.system else name


@dataclass(frozen=True, slots=True)
class Table:
    """A table or a figure of a paper.

    Attributes:
        title: Paper, number and caption.
        protocol: How the paper's figures were measured.
        columns: Header of each metric, by its key.
        rows: Rows in the order of the paper.
        measure: `scores` of the clustering, or those of the `generator`.
        pictures: Names of the pictures to draw of every row, see `pictures.py`.
        seeds: Default number of seeds.
    """

    title: str
    protocol: str
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    measure: Literal["scores", "generator"] = "scores"
    pictures: tuple[str, ...] = ()
    seeds: int = 3


def scores(purity: float, nmi: float, ari: float | None = None) -> dict[str, float]:
    """Return the paper's purity, NMI and ARI. ClusterGAN and DLS-Clustering call purity ACC."""
    return {"purity": purity, "nmi": nmi} | ({} if ari is None else {"ari": ari})


def hungarian(accuracy: float, nmi: float | None = None, ari: float | None = None) -> dict[str, float]:
    """Return the paper's one-to-one accuracy, NMI and ARI."""
    given = {"accuracy": accuracy, "nmi": nmi, "ari": ari}
    return {key: value for key, value in given.items() if value is not None}


def in_protocol(tables: Mapping[str, Table], protocols: Mapping[str, str]) -> dict[str, Table]:
    """Return tables whose rows are trained and scored by the named protocols of a paper.

    Args:
        tables: Tables by name.
        protocols: Named protocol of the data set, by recipe. A row that sets one keeps it.
    """

    def ruled(row: Row) -> Row:
        chosen = any(one.startswith("data.protocol=") for one in row.settings)
        if chosen or row.recipe not in protocols:
            return row
        return replace(row, settings=(f"data.protocol={protocols[row.recipe]}", *row.settings))

    return {name: replace(table, rows=tuple(map(ruled, table.rows))) for name, table in tables.items()}


def rival(system: str, recipe: str) -> dict[str, Any]:
    """Return the tables of another system, `gan` or `infogan`, on the data and with the networks of a recipe.

    Args:
        system: Name of the system without its version.
        recipe: Name of a shipped recipe of ClusterGAN.
    """
    tree = load_recipe(recipe, installed()).layered.tree
    networks = {"generator": tree["networks"]["generator"]}
    networks |= {"critic" if system == "gan" else "trunk": tree["networks"]["critic"]}
    rates = {player: {"optimizer": tree["players"][player]["optimizer"]} for player in ("critic", "generator")}
    return {
        "schema": 1,
        "extends": VERSIONS[system],
        "name": f"{tree['name']}-{system}",
        "data": tree["data"],
        "prior": {key: tree["prior"][key] for key in ("clusters", "style_dim")} if system == "gan" else _codes(tree),
        "networks": networks,
        "players": rates if system == "gan" else {},
        "train": {key: tree["train"][key] for key in ("rounds", "batch_size")},
        "evaluate": tree.get("evaluate", {}),
    }


def _codes(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the prior of InfoGAN: the clusters of the recipe, and the continuous codes of its own paper."""
    return {"clusters": tree["prior"]["clusters"]}

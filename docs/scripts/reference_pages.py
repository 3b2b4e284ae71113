"""Generate the reference pages that are built from the code: commands, recipe keys and the parts of each kind."""

import inspect
import json
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Literal

import typer
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from latentclust.cli.app import app
from latentclust.plugins.options import attribute_docstrings, part_options
from latentclust.plugins.registry import KINDS, Part, Registry
from latentclust.recipe import schema, training_tables
from latentclust.recipe.table import PartTable

TABLES = {
    "The recipe": schema.Recipe,
    "[data]": schema.DataTable,
    "[features]": schema.FeaturesTable,
    "[views.NAME]": schema.ViewTable,
    "[prior]": PartTable,
    "[networks.NAME]": schema.NetworkTable,
    "[players.NAME]": training_tables.PlayerTable,
    "[players.NAME.optimizer]": training_tables.OptimizerTable,
    "[tables.NAME]": training_tables.SampleTable,
    "[stages.NAME]": training_tables.StageTable,
    "[quantities.NAME]": schema.QuantityTable,
    "[losses.NAME]": training_tables.LossTable,
    "[train]": training_tables.TrainTable,
    "[train.starts]": training_tables.StartsTable,
    "[inference]": PartTable,
    "[evaluate]": schema.EvaluateTable,
    "Schedules": schema.Ramp,
}
"""The tables of a recipe by their heading in docs/reference/recipes.md and in the generated page."""

TITLES = {
    "backbone": "Backbones",
    "prior": "Priors",
    "loss": "Losses",
    "quantity": "Quantities",
    "view": "Views",
    "table": "Sample tables",
    "start": "Starts",
    "inference": "Inference methods",
    "dataset": "Data sets",
    "metric": "Metrics",
    "baseline": "Baselines",
    "system": "Systems",
}


def pages(registry: Registry) -> dict[str, str]:
    """Return the generated pages by their path below docs/."""
    parts = {f"reference/parts/{kind}.md": "\n".join(_parts(registry, kind)) for kind in KINDS}
    return parts | {
        "reference/commands.md": "\n".join(_commands()),
        "reference/recipe-keys.md": "\n".join(_recipe_keys()),
    }


def _recipe_keys() -> Iterator[str]:
    yield "# Recipe keys\n"
    yield (
        "The keys of each table, from the models in `latentclust/recipe`. [Recipes](recipes.md) explains them. "
        "In a table with the key `use`, all other keys are options of the part: see the pages of "
        "[losses](parts/loss.md), [backbones](parts/backbone.md), [data sets](parts/dataset.md) and the other kinds.\n"
    )
    for heading, table in TABLES.items():
        yield f"## {heading}\n"
        yield f"{_paragraph(table)}\n"
        yield "| key | type | default | meaning |\n|---|---|---|---|"
        described = _described(table)
        for name, field in table.model_fields.items():
            meaning = described.get(name) or _section_of(name, field.annotation)
            yield _row((f"`{field.alias or name}`", _field_type(field), _default(field), meaning))
        yield ""


def _field_type(field: Any) -> str:
    """Return the type of a schema field, in the words of a recipe's author."""
    return _words(field.annotation) + "".join(_constraint(one) for one in field.metadata)


def _words(annotation: Any) -> str:
    """Return a type in words: `list of strings`, `number > 0 or a schedule`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _words(arguments[0]) + "".join(_constraint(one) for one in arguments[1:])
    if origin is Literal:
        return ", ".join(_code(json.dumps(one)) for one in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if origin is not None:
        return _container(origin, arguments)
    if issubclass(annotation, schema.Ramp):
        return "[schedule](#schedules)"
    names = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return names.get(annotation, "table")


def _container(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin is tuple and Ellipsis not in arguments:
        return f"list of {len(arguments)} {_words(arguments[0])}s"
    member = _words(arguments[1] if issubclass(origin, Mapping) else arguments[0])
    members = " or ".join(f"{word}s" for word in member.split(" or "))
    if issubclass(origin, Mapping):
        return members if members == "tables" else f"table of {members}"
    return f"list of {members}"


def _section_of(name: str, annotation: Any) -> str:
    """Return a link to the section of the table that a field holds; empty for other fields."""
    held = (annotation, *typing.get_args(annotation))
    found = [heading for heading, table in TABLES.items() if table in held and heading.startswith("[")]
    links = [heading for heading in found if len(found) == 1 or heading == f"[{name}]"]
    return f"See [`{links[0]}`](#{slugify(links[0])})." if links else ""


def slugify(heading: str) -> str:
    """Return the anchor of a heading on the site."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _constraint(constraint: Any) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    return "".join(
        f" {sign} {getattr(constraint, name):g}" for name, sign in signs.items() if hasattr(constraint, name)
    )


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, BaseModel):
        return "its defaults"
    return _code(json.dumps(to_jsonable_python(field.default), ensure_ascii=False))


def _described(table: type[BaseModel]) -> dict[str, str]:
    bases = [one for one in reversed(table.__mro__) if issubclass(one, BaseModel) and one is not BaseModel]
    found: dict[str, str] = {}
    for one in bases:
        found |= attribute_docstrings(one)
    return found


def _parts(registry: Registry, kind: str) -> Iterator[str]:
    yield f"# {TITLES[kind]}\n"
    yield (
        f"The {TITLES[kind].lower()} that ship with latentclust, generated from the code. "
        f"`latentclust plugins list {kind}` also lists those of installed plugins, and "
        f"[the how-to page](../../how-to/plugins/{kind}.md) shows how to write one.\n"
    )
    found = [part for part in registry.parts(kind) if part.bundled]
    if not found:
        yield "None ships with latentclust: plugins provide them.\n"
    for part in found:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    yield f"## {part.name}\n"
    if part.kind == "system":
        yield f"```toml\n{part.value.read_text(encoding='utf-8').strip()}\n```\n"
        return
    yield f"{_prose(inspect.getdoc(part.value))}\n"
    reads = _reads(part)
    if reads:
        yield f"Reads {', '.join(f'`{name}`' for name in reads)}.\n"
    options = part_options(part.value)
    if options:
        yield "| option | type | default | meaning |\n|---|---|---|---|"
        for option in options:
            default = "required" if option.required else "none" if option.default is None else _plain(option.default)
            yield _row((f"`{option.name}`", _code(option.type), default, option.description))
        yield ""


def _reads(part: Part) -> list[str]:
    """Return the quantities, networks and views that a loss or a quantity reads."""
    if part.kind not in ("loss", "quantity"):
        return []
    function = part.value.__call__ if part.kind == "loss" else part.value
    return [name for name in inspect.signature(function).parameters if name != "self"]


def _plain(value: Any) -> str:
    return _code(json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False))


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    yield "The commands of `latentclust` with their arguments and options, generated from the help texts.\n"
    group: Any = typer.main.get_command(app)
    yield f"{_prose(group.help)}\n"
    for words, command in commands(group):
        context = command.make_context(f"latentclust {words}", [], resilient_parsing=True)
        yield f"## {words}\n"
        yield f"{_prose(command.help)}\n"
        yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
        yield "| argument or option | meaning |\n|---|---|"
        records = (parameter.get_help_record(context) for parameter in command.get_params(context))
        yield from (_row((_code(name), escaped(meaning))) for name, meaning in filter(None, records))
        yield ""


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command of a group and of the groups in it, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def _paragraph(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n\n")[0]


def _prose(text: str | None) -> str:
    """Return a docstring as Markdown, with its indented lines as code blocks."""
    found: list[str] = []
    for code, group in groupby((text or "").splitlines(), key=lambda line: line.startswith("    ")):
        lines = list(group)
        found += _block([line.removeprefix("    ") for line in lines]) if code else lines
    return "\n".join(found).strip()


def _block(lines: list[str]) -> list[str]:
    if lines[0].startswith("```"):
        return ["", *lines, ""]
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return ["", "```text", *lines, "```", ""]
    return ["", "```toml", *lines, "```", ""]


def escaped(text: str) -> str:
    """Return text in which Markdown reads no link, tag or emphasis."""
    return re.sub(r"([\[\]<>*_])", r"\\\1", text)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def files() -> Mapping[str, str]:
    """Return the pages of what is installed now."""
    from latentclust.plugins.registry import installed

    return pages(installed())

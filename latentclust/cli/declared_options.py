"""Command-line options that the fields of an option model declare, once for all commands that take them."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from latentclust.errors import LatentclustError

if TYPE_CHECKING:
    from latentclust.labelling.option_model import OptionModel

COMMAND_LINE_TYPES: dict[str, Any] = {
    "tile": int | None,
    "overlap": int | None,
    "batch": int | None,
    "max_polygons": int | None,
    "workers": int | None,
    "seed": int,
    "sieve": float | None,
    "min_area": float | None,
    "simplify": float | None,
    "nodata": float | None,
    "bands": str | None,
    "mask": str | None,
    "normalise_to": str | None,
    "mask_values": str | None,
    "mask_bits": str | None,
    "bbox": tuple[float, float, float, float] | None,
    "geometry": Path | None,
    "zones": Path | None,
    "max_memory": str | None,
}
"""Types of values on the command line, if they differ from those of the fields."""

METAVARS = {
    "bands": "B04,B03,B02",
    "sieve": "M2",
    "min_area": "M2",
    "simplify": "METRES",
    "nodata": "VALUE",
    "normalise_to": "SCENE",
    "mask": "FILE|PATTERN|band:NAME",
    "mask_values": "3,8,9,10",
    "mask_bits": "3,4",
    "max_memory": "SIZE",
    "datetime": "TIME",
    "bbox": "W S E N",
    "bbox_crs": "CRS",
    "geometry": "FILE",
    "zones": "FILE",
    "zone_field": "NAME",
    "scheduler": "ADDRESS",
}

Load = Callable[[], "type[OptionModel]"]
Command = TypeVar("Command", bound=Callable[..., None])
Model = TypeVar("Model")


def takes_options(
    load: Load, panels: Mapping[str, str] | None = None, panel: str | None = None
) -> Callable[[Command], Command]:
    """Give a command an option for each field of a model, whose values it receives by keyword.

    The command must be registered with `cls=OptionCommand`.

    Args:
        load: Imports the model. It is called when the command is used, so that other commands do not import pydantic.
        panels: Panel of the help by field.
        panel: Panel of the other fields. None for the general one.
    """

    def decorate(command: Command) -> Command:
        given = [each for each in signature(command).parameters.values() if each.kind != Parameter.VAR_KEYWORD]
        last = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in given if each.name == "json"]
        first = [each for each in given if each.name != "json"]

        def declare(parameters: list[Parameter]) -> Command:
            vars(command)["__signature__"] = signature(command).replace(parameters=[*first, *parameters, *last])
            return command

        vars(command)["declare"] = lambda: declare(_parameters(load(), panels or {}, panel))
        return declare([])

    return decorate


class OptionCommand(TyperCommand):
    """A command with `takes_options`. It declares these options when it is used."""

    declared = False

    def get_params(self, ctx: Any) -> Any:
        """Return the arguments and all options."""
        if not self.declared:
            assert self.callback is not None, "typer sets it"
            self.declared, app = True, typer.Typer(add_completion=False)
            app.command()(vars(self.callback)["declare"]())
            complete = typer.main.get_command(app)
            self.params, self.callback = complete.params, complete.callback
        return super().get_params(ctx)


def _parameters(model: "type[OptionModel]", panels: Mapping[str, str], panel: str | None) -> list[Parameter]:
    """Return a parameter for each field of a model, with its description as help."""
    from latentclust.labelling.option_model import option_name

    parameters = []
    for name, field in model.model_fields.items():
        option = typer.Option(
            option_name(name),
            metavar=METAVARS.get(name),
            help=" ".join((field.description or "").split()),
            rich_help_panel=panels.get(name, panel),
            show_default=field.default is not None and field.default is not False and field.default != (),
        )
        kind = COMMAND_LINE_TYPES.get(name, field.annotation)
        default = None if field.default == () else field.default
        annotation = Annotated[kind, option]  # type: ignore[valid-type]
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
    return parameters


def read_options(model: Callable[..., Model], values: Mapping[str, Any]) -> Model:
    """Return the options that the command line gives. Raise LatentclustError if one is invalid."""
    from latentclust.labelling.option_model import option_name

    given = {name: value for name, value in values.items() if value is not None}
    if bands := given.pop("bands", None):
        given["bands"] = tuple(word.strip() for word in bands.split(","))
    for name in {"mask_values", "mask_bits"} & given.keys():
        given[name] = _whole_numbers(option_name(name), given[name])
    return model(**given)


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Return whole numbers between commas. Raise LatentclustError if one is none."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise LatentclustError.at(option, f"{text!r} is no list of whole numbers", "Write it like 3,8,9,10") from None

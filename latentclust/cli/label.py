"""`latentclust label`: label scenes of any size with a saved model of label maps."""

from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from latentclust.cli.shared_options import Json, ModelPath, Plugins
from latentclust.errors import Issue, LatentclustError, RunFailedError

if TYPE_CHECKING:
    from latentclust.labelling.label_options import LabelOptions
    from latentclust.labelling.label_report import LabelReport

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...",
        help="Rasters, folders, 'glob patterns', URLs, STAC items, or .txt files that list them.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Output folder of the label rasters and of labelling.json.")]

PANELS = {
    "Windows": ("tile", "overlap", "blend", "batch", "precision", "seed", "max_memory"),
    "Outputs": ("confidence", "probabilities", "sieve", "classes", "mosaic", "stac", "datetime"),
    "Polygons": ("vector", "min_area", "simplify", "max_polygons"),
    "Zones": ("zones", "zone_field"),
    "Area": ("bbox", "bbox_crs", "geometry"),
    "Workers": ("device", "workers", "scheduler"),
}
"""Options in each panel of the help; the others are in the general one."""

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
"""Types of values on the command line, if they differ from those of `LabelOptions`."""

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


def label(
    model: ModelPath, scenes: Scenes, out: Out, plugins: Plugins = None, json: Json = False, **values: Any
) -> None:
    """Label satellite scenes of any size, pixel by pixel.

    Each scene becomes a Cloud-Optimized GeoTIFF in DIR: clusters count from 1, and 0 is nodata. A scene
    that fails does not stop the others. After a stop or a crash the same command resumes the run.

    Examples:
        latentclust label runs/rmnp/20260101-120000-0 scenes/ --out labels
        latentclust label model.safetensors 'scenes/**/*.tif' --out labels --confidence
    """
    from latentclust.cli.label_progress import make_label_progress
    from latentclust.cli.terminal import print_json

    options = _options(values)
    with make_label_progress() as listener:
        from latentclust.labelling.label_scenes import label as label_scenes

        report = label_scenes(model, scenes, out, options, listener=listener)
    if json:
        print_json(report.as_json())
    else:
        _show(report, options.dry_run)
    if report.failures:
        fix = "Correct or leave out the scene, then run the same command again"
        raise RunFailedError(*(Issue(scene.input, scene.reason.rstrip("."), fix) for scene in report.failures))


def _options(values: dict[str, Any]) -> "LabelOptions":
    """Return the options that the command line gives."""
    from latentclust.labelling.label_options import LabelOptions, option_name

    given = {name: value for name, value in values.items() if value is not None}
    if bands := given.pop("bands", None):
        given["bands"] = tuple(word.strip() for word in bands.split(","))
    for name in {"mask_values", "mask_bits"} & given.keys():
        given[name] = _whole_numbers(option_name(name), given[name])
    return LabelOptions(**given)


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Return whole numbers between commas. Raise LatentclustError if one is none."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise LatentclustError.at(option, f"{text!r} is no list of whole numbers", "Write it like 3,8,9,10") from None


def _parameters() -> list[Parameter]:
    """Return a parameter of the command for each field of `LabelOptions`, with its description as help."""
    from latentclust.labelling.label_options import LabelOptions, option_name

    panels = {name: panel for panel, names in PANELS.items() for name in names}
    parameters = []
    for name, field in LabelOptions.model_fields.items():
        option = typer.Option(
            option_name(name),
            metavar=METAVARS.get(name),
            help=" ".join((field.description or "").split()),
            rich_help_panel=panels.get(name),
            show_default=field.default is not None and field.default is not False and field.default != (),
        )
        kind = COMMAND_LINE_TYPES.get(name, field.annotation)
        default = None if field.default == () else field.default
        annotation = Annotated[kind, option]  # type: ignore[valid-type]
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
    return parameters


*_ARGUMENTS, _JSON, _ = signature(label).parameters.values()


def _set_parameters(parameters: list[Parameter]) -> None:
    """Set the parameters of the command, which typer reads from its signature."""
    json = _JSON.replace(kind=Parameter.KEYWORD_ONLY)
    vars(label)["__signature__"] = signature(label).replace(parameters=[*_ARGUMENTS, *parameters, json])


_set_parameters([])


class LabelCommand(TyperCommand):
    """The command `label`. It declares its options when it is used, so that other commands do not import pydantic."""

    def get_params(self, ctx: Any) -> Any:
        """Return the arguments and all options."""
        if len(self.params) <= len(_ARGUMENTS) + 1:
            _set_parameters(_parameters())
            app = typer.Typer(add_completion=False)
            app.command()(label)
            complete = typer.main.get_command(app)
            self.params, self.callback = complete.params, complete.callback
        return super().get_params(ctx)


def _show(report: "LabelReport", dry_run: bool) -> None:
    from latentclust.cards import Cells
    from latentclust.cli.terminal import display_path, stdout_console
    from latentclust.data.scenes.folders import RUN_LOG
    from latentclust.labelling.label_summary import area_parts, result_sentences, warning_sentences

    console = stdout_console()
    folder = f"labels in {display_path(report.folder)}, log in {display_path(report.folder / RUN_LOG)}"
    lines = _planned_lines(report) if dry_run else [*result_sentences(report), folder]
    for line in (*lines, *warning_sentences(report)):
        console.print(line, soft_wrap=True)
    for part in () if dry_run else area_parts(report):
        console.print(part, soft_wrap=not isinstance(part, Cells))


def _planned_lines(report: "LabelReport") -> list[str]:
    from latentclust.labelling.label_summary import other_counts

    planned = [scene for scene in report.scenes if scene.status == "planned"]
    pixels = sum(scene.pixels for scene in planned)
    lines = [f"would label {len(planned):,} of {len(report.scenes):,} scenes{other_counts(report)}; nothing is written"]
    lines.append(f"{pixels:,} pixels in {report.windows:,} windows; {report.note}")
    return lines

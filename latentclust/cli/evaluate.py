"""`latentclust evaluate`: scores of a saved model on a data set, or on a scene with a reference."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.declared_options import read_options, takes_options
from latentclust.cli.shared_options import (
    Device,
    Field,
    ImageFolders,
    Json,
    ModelPath,
    PathField,
    Plugins,
    Settings,
    scene_options,
)
from latentclust.errors import Issue, raise_all

if TYPE_CHECKING:
    from latentclust.labelling.reference.scene_comparison import SceneAgreement
    from latentclust.labelling.scene_options import SceneOptions

SCENE, REFERENCE, LABELS = "--scene", "--reference", "--from"
SCENE_SETTINGS = ("evaluate.metrics", "evaluate.baselines", "evaluate.batch_size")
"""Recipe keys that --set may change when a scene is compared."""

Data = Annotated[str | None, typer.Option(metavar="NAME", help="Another data set with images of the same shape.")]
Scene = Annotated[
    str | None, typer.Option(metavar="S", help="Scene to label and compare with R, as latentclust label takes it.")
]
Reference = Annotated[Path | None, typer.Option(metavar="R", help="Raster of classes, integers in one band.")]
ReferenceNodata = Annotated[
    int | None, typer.Option(metavar="V", help="Value of R without a class, in addition to the file's nodata.")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="With --scene: keep the label raster in this folder.")]

Labels = Annotated[Path | None, typer.Option(LABELS, metavar="FILE", help="Table of held-out labels of images.")]


@takes_options(scene_options, panel="Scene")
def evaluate(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    data: Data = None,
    settings: Settings = None,
    scene: Scene = None,
    reference: Reference = None,
    reference_nodata: ReferenceNodata = None,
    out: Out = None,
    labels: Labels = None,
    field: Field = None,
    path_field: PathField = None,
    images: ImageFolders = None,
    plugins: Plugins = None,
    device: Device = "auto",
    json: Json = False,
    **values: Any,
) -> None:
    """Score a saved model on its own data set, on another one, on a scene or on held-out labels.

    Baselines are scored too, except on held-out labels.

    --set changes the tables data, inference and evaluate of the model's recipe. An inference other
    than the model's own is first fitted to the data set.

    With --scene and --reference a scene is labelled as by `latentclust label`, whose options of
    scenes it takes, and compared over the pixels that are valid in both. --set then changes only
    metrics, baselines and batch_size of evaluate. A reference on another grid is resampled to that
    of the scene by nearest neighbour.

    With --from, the names of the clusters (clusters name) are compared with the classes of images in
    a table with the columns path and class. Images that named the clusters do not count.

    Examples:
        latentclust evaluate runs/digits/20260101-120000-0
        latentclust evaluate model.safetensors --data usps --set data.size=28
        latentclust evaluate model.safetensors --set inference.use=kmeans-on-code
        latentclust evaluate runs/landsat7 --scene scene.tif --reference classes.tif
        latentclust evaluate runs/photos --from held-out.csv
    """
    options = read_options(scene_options(), values)
    others = {"--reference-nodata": reference_nodata, "--out": out, **options.given_options}
    of_scene: dict[str, object] = {SCENE: scene, REFERENCE: reference, **others}
    _check_labels(
        labels,
        {"--field": field, "--path-field": path_field, "--images": images},
        {"--data": data, "--set": settings, **of_scene},
    )
    _check(data, settings or [], of_scene)
    if labels is not None:
        _evaluate_names(model, labels, field, path_field, images or [], device, json)
    elif scene and reference:
        _evaluate_scene(model, settings or [], scene, reference, reference_nodata, options, out, device, json)
    else:
        _evaluate_data(model, data, settings or [], device, json)


def _check(data: str | None, settings: list[str], given: dict[str, object]) -> None:
    """Raise LatentclustError if options for a scene are used without one, or options for a data set with one.

    Args:
        data: Value of --data.
        settings: Values of --set.
        given: Options of a scene by name, None if not given.
    """
    used = [name for name, value in given.items() if value is not None]
    missing = [name for name in (SCENE, REFERENCE) if used and name not in used]
    fix = f"Use {SCENE} and {REFERENCE} together"
    issues = [Issue(name, f"is missing, but {used[0]} requires it", fix) for name in missing]
    if SCENE in used:
        if data is not None:
            issues.append(Issue("--data", f"{data!r} cannot be combined with {SCENE}", f"Remove --data or {SCENE}"))
        others = [setting for setting in settings if setting.partition("=")[0].strip() not in SCENE_SETTINGS]
        fix = f"Use --set with {', '.join(SCENE_SETTINGS)}, or remove {SCENE}"
        issues += [Issue(f"--set {setting}", "has no effect on a scene", fix) for setting in others]
    raise_all(issues)


def _check_labels(labels: Path | None, own: Mapping[str, object], others: Mapping[str, object]) -> None:
    """Raise LatentclustError if options of held-out labels are used without them, or other options with them.

    Args:
        labels: Value of --from.
        own: Options of held-out labels by name, None or empty if not given.
        others: Options of data sets and scenes.
    """
    wrong, what = (own, "has no effect without") if labels is None else (others, "has no effect with")
    fix = f"Remove {{}}, or add {LABELS} FILE" if labels is None else f"Remove {{}} or {LABELS}"
    given = [name for name, value in wrong.items() if value not in (None, [])]
    raise_all(Issue(name, f"{what} {LABELS}", fix.format(name)) for name in given)


def _evaluate_names(
    model: Path, labels: Path, field: str | None, path_field: str | None, images: list[Path], device: str, json: bool
) -> None:
    from latentclust.cards import rich_part
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_json, stdout_console

    with show_phases("reading the labels") as phases:
        from latentclust.few_labels.held_out import evaluate_names, held_out_parts

        found = evaluate_names(
            model, labels, field=field, path_field=path_field, images=images, device=device, phases=phases
        )
    if json:
        print_json(found.as_json())
        return
    console = stdout_console()
    for part in held_out_parts(found):
        console.print(rich_part(part), soft_wrap=isinstance(part, str))


def _evaluate_data(model: Path, data: str | None, settings: list[str], device: str, json: bool) -> None:
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_text, stdout_console

    with show_phases("loading the model") as phases:
        from latentclust.data.roots import data_roots
        from latentclust.report.console import print_results
        from latentclust.report.results import RunResult
        from latentclust.runs.reevaluate import evaluate_model, open_evaluation
        from latentclust.train.devices import first_device

        evaluation = open_evaluation(model, first_device(device), data, settings)
        facts = evaluate_model(evaluation, data_roots(), phases)
    if json:
        print_text(RunResult.from_facts(facts).model_dump_json(indent=2))
    else:
        print_results(stdout_console(), facts)


def _evaluate_scene(  # noqa: PLR0913, PLR0917 (options)
    model: Path,
    settings: list[str],
    scene: str,
    reference: Path,
    nodata: int | None,
    options: "SceneOptions",
    out: Path | None,
    device: str,
    json: bool,
) -> None:
    from latentclust.cli.label_progress import make_label_progress
    from latentclust.cli.terminal import print_json

    with make_label_progress() as listener:
        from latentclust.labelling.reference.scene_comparison import compare_scene
        from latentclust.runs.reevaluate import open_evaluation
        from latentclust.train.devices import first_device

        evaluation = open_evaluation(model, first_device(device), settings=settings)
        found = compare_scene(
            evaluation.model, scene, reference, nodata=nodata, options=options, out=out, listener=listener
        )
    if json:
        print_json(found.as_json())
    else:
        _show(found)


def _show(found: "SceneAgreement") -> None:
    from latentclust.cli.terminal import display_path, print_lines, stdout_console
    from latentclust.report.console import class_table, print_results

    console = stdout_console()
    print_results(console, found.facts)
    console.print(class_table(found.facts))
    kept = [f"label raster: {display_path(found.labels)}"] if found.labels else []
    print_lines(console, [str(found.pixels), found.alignment, *found.facts.warnings, *kept])

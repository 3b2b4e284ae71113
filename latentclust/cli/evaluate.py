"""`latentclust evaluate`: the metrics of a saved model, on its data set or on a scene with a reference."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Device, Json, ModelPath, Settings
from latentclust.errors import Issue, raise_all

SCENE, REFERENCE = "--scene", "--reference"
OF_A_SCENE = ("evaluate.metrics", "evaluate.baselines", "evaluate.batch_size")
"""What --set may change where a scene is compared."""

Data = Annotated[str | None, typer.Option(metavar="NAME", help="Another data set, of images of the same shape.")]
Scene = Annotated[Path | None, typer.Option(metavar="S", help="A raster that is labelled, and compared with R.")]
Reference = Annotated[Path | None, typer.Option(metavar="R", help="A raster of classes, whole numbers in one band.")]
ReferenceNodata = Annotated[
    int | None, typer.Option(metavar="V", help="A value of R that is no class, beside what the file says.")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="With --scene: keep the label raster in this folder.")]


def evaluate(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    data: Data = None,
    settings: Settings = None,
    scene: Scene = None,
    reference: Reference = None,
    reference_nodata: ReferenceNodata = None,
    out: Out = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Score a saved model beside the baselines, on its own data set, on another or on a scene.

    With --set the tables data, inference and evaluate of its recipe can be changed.
    An inference other than the model's own is first fitted to the data set.

    With --scene and --reference a scene is labelled as `latentclust label` does, and compared over the
    pixels that are valid in both; --set then changes metrics, baselines and batch_size of evaluate alone. A
    reference on another grid is resampled to the scene's by nearest neighbour.

    Examples:
        latentclust evaluate runs/digits/20260101-120000-0
        latentclust evaluate model.safetensors --data usps --set data.size=28
        latentclust evaluate model.safetensors --set inference.use=kmeans-on-code
        latentclust evaluate runs/landsat7 --scene scene.tif --reference classes.tif
    """
    beside = {"--reference-nodata": reference_nodata, "--out": out}
    _check(data, settings or [], {SCENE: scene, REFERENCE: reference, **beside})
    if scene and reference:
        from latentclust.cli.evaluate_scene import evaluate_scene

        evaluate_scene(model, settings or [], scene, reference, reference_nodata, out, device, json)
    else:
        _evaluate_data(model, data, settings or [], device, json)


def _check(data: str | None, settings: list[str], given: dict[str, object]) -> None:
    """Raises LatentclustError for options that go with a scene and stand without one, and the reverse.

    Args:
        data: The option --data.
        settings: Those of --set.
        given: The options of a scene, by name; None where not given.
    """
    stand = [name for name, value in given.items() if value is not None]
    missing = [name for name in (SCENE, REFERENCE) if stand and name not in stand]
    fix = f"Give {SCENE} and {REFERENCE}"
    issues = [Issue(name, f"is missing, and {stand[0]} is given", fix) for name in missing]
    if SCENE in stand:
        if data is not None:
            issues.append(Issue("--data", f"{data!r} and a scene are given", f"Leave out --data or {SCENE}"))
        others = [setting for setting in settings if setting.partition("=")[0].strip() not in OF_A_SCENE]
        fix = f"Set {', '.join(OF_A_SCENE)}, or leave out {SCENE}"
        issues += [Issue(f"--set {setting}", "has no bearing on a scene", fix) for setting in others]
    raise_all(issues)


def _evaluate_data(model: Path, data: str | None, settings: list[str], device: str, json: bool) -> None:
    from latentclust.cli.terminal import stdout_console
    from latentclust.data.roots import data_roots
    from latentclust.report.console import print_results
    from latentclust.report.results import RunResult
    from latentclust.runs.reevaluate import evaluate_model, open_evaluation
    from latentclust.train.devices import make_fabric

    facts = evaluate_model(open_evaluation(model, make_fabric(device, 1).device, data, settings), data_roots())
    if json:
        print(RunResult.from_facts(facts).model_dump_json(indent=2))
    else:
        print_results(stdout_console(), facts)

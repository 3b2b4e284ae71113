"""What `latentclust evaluate --scene` does and shows."""

from pathlib import Path
from typing import TYPE_CHECKING

from latentclust.cli.label_progress import make_label_progress
from latentclust.cli.terminal import display_path, print_json, print_lines, stdout_console

if TYPE_CHECKING:
    from latentclust.labelling.reference.scene_comparison import SceneAgreement


def evaluate_scene(
    model: Path,
    settings: list[str],
    scene: Path,
    reference: Path,
    nodata: int | None,
    out: Path | None,
    device: str,
    json: bool,
) -> None:
    """Labels a scene, compares it with a reference and prints what was found."""
    with make_label_progress() as listener:
        from latentclust.labelling.reference.scene_comparison import compare_scene
        from latentclust.runs.reevaluate import open_evaluation
        from latentclust.train.devices import make_fabric

        readout = open_evaluation(model, make_fabric(device, 1).device, settings=settings)
        found = compare_scene(readout.model, scene, reference, nodata=nodata, out=out, listener=listener)
    if json:
        print_json(found.as_json())
    else:
        _show(found)


def _show(found: "SceneAgreement") -> None:
    from latentclust.report.console import class_table, print_results

    console = stdout_console()
    print_results(console, found.facts)
    console.print(class_table(found.facts))
    kept = [f"The label raster: {display_path(found.labels)}"] if found.labels else []
    print_lines(console, [str(found.pixels), found.alignment, *found.facts.warnings, *kept])

"""`latentclust change`: change between two label rasters of one model."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json

Before = Annotated[Path, typer.Argument(metavar="BEFORE", help="Label raster of the earlier date.", show_default=False)]
After = Annotated[Path, typer.Argument(metavar="AFTER", help="Label raster of the later date.", show_default=False)]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that DIR contains.")]


def change(before: Before, after: After, out: Out, overwrite: Overwrite = False, json: Json = False) -> None:
    """Compare the labels of two dates, and write a change raster and tables into DIR.

    Both rasters must be in the folders that `latentclust label` wrote, by one model and with the same
    names. If their grids differ, AFTER is resampled to the grid of BEFORE by nearest neighbour. Options
    that they were not labelled with alike, such as --sieve, are told.

    Examples:
        latentclust change labels-2019/scene.tif labels-2024/scene.tif --out change
    """
    from rich.progress import Progress

    from latentclust.cli.terminal import display_path, print_json, stderr_console, stdout_console
    from latentclust.labelling.change.change_result import SUMMARY
    from latentclust.labelling.change.compare_dates import compare_dates
    from latentclust.labelling.change.summary import change_cells, change_sentences

    console = stderr_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("blocks", total=None)
        found = compare_dates(
            before, after, out, overwrite, lambda done, wanted: bar.update(task, completed=done, total=wanted)
        )
    if json:
        print_json(found.as_json())
        return
    results = stdout_console()
    for line in change_sentences(found):
        results.print(line, soft_wrap=True)
    results.print(change_cells(found))
    results.print(f"results in {display_path(out)}, summary in {display_path(out / SUMMARY)}", soft_wrap=True)

"""`latentclust compare`: a table of several runs."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of several seeds.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]


def compare(runs: Runs, markdown: Markdown = False, json: Json = False) -> None:
    """Compare runs in a table, one row per recipe, with mean and standard deviation over seeds.

    Examples:
        latentclust compare runs/digits/*
        latentclust compare runs/digits-dls runs/digits-clustergan --markdown
    """
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.report.comparison import compare_markdown, compare_runs, compare_table

    summaries = compare_runs(runs)
    if json:
        print_json([summary.model_dump() for summary in summaries])
    elif markdown:
        print(compare_markdown(summaries), end="")
    else:
        console = stdout_console()
        console.print(compare_table(summaries))
        for protocol in dict.fromkeys(summary.protocol for summary in summaries):
            console.print(protocol, style="dim", markup=False)

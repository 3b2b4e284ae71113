"""`latentclust compare`: a table of several runs."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of several seeds.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]


def compare(runs: Runs, markdown: Markdown = False, json: Json = False) -> None:
    """Compare runs, one table per protocol and one row per recipe, with mean and standard deviation over seeds.

    A second table shows how far the clusters of each two runs agree, which needs no labels.

    Examples:
        latentclust compare runs/digits/*
        latentclust compare runs/digits-dls runs/digits-clustergan --markdown
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_json, print_text, stdout_console

    with show_phases("reading the runs"):
        from latentclust.report.comparison import (
            agreement_table,
            by_protocol,
            compare_markdown,
            compare_runs,
            compare_table,
        )

        summaries = compare_runs(runs)
    if json:
        print_json([summary.model_dump() for summary in summaries])
    elif markdown:
        print_text(compare_markdown(summaries))
    else:
        console = stdout_console()
        for group in by_protocol(summaries).values():
            console.print(compare_table(group))
            if (pairs := agreement_table(group)) is not None:
                console.print(pairs)

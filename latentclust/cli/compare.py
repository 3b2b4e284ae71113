"""`latentclust compare`: a table of several runs."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json
from latentclust.errors import LatentclustError

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of several seeds.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]


Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page to open in a browser.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file of --html if it exists.")]
HTML_FIX = "Free some space, or name a file in another folder with --html"


def compare(
    runs: Runs, markdown: Markdown = False, json: Json = False, html: Html = None, overwrite: Overwrite = False
) -> None:
    """Compare runs, one table per protocol and one row per recipe, with mean and standard deviation over seeds.

    A second table shows how far the clusters of each two runs agree, which needs no labels. The page
    of --html also shows losses over each other, and which clusters are found again in the other runs.

    Examples:
        latentclust compare runs/digits/*
        latentclust compare runs/digits-dls runs/digits-clustergan --markdown
        latentclust compare runs/digits/* --html compared.html
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, print_json, print_text, stderr_console, stdout_console

    with show_phases("reading the runs") as phases:
        from latentclust.report.comparison import (
            agreement_table,
            by_protocol,
            compare_markdown,
            compare_runs,
            compare_table,
        )

        _check_page(html, overwrite)
        summaries = compare_runs(runs)
        if html is not None:
            phases.begin("writing the page")
            from latentclust.report.page.comparison_page import write_comparison

            write_comparison(html, summaries, fix=HTML_FIX)
        groups = [] if json or markdown else [*by_protocol(summaries).values()]
        tables = [table for group in groups for table in (compare_table(group), agreement_table(group)) if table]
        text = compare_markdown(summaries) if markdown and not json else ""
    if html is not None:
        stderr_console().print(f"wrote {display_path(html)}", soft_wrap=True)
    if json:
        print_json([summary.model_dump() for summary in summaries])
    elif markdown:
        print_text(text)
    else:
        console = stdout_console()
        for table in tables:
            console.print(table)


def _check_page(html: Path | None, overwrite: bool) -> None:
    """Raise LatentclustError, before anything is read, if the page cannot be written."""
    if html is None:
        if overwrite:
            raise LatentclustError.at("--overwrite", "has no file to replace", "Name one with --html")
        return
    if html.suffix.lower() not in (".html", ".htm"):
        raise LatentclustError.at("--html", f"{html} is not an .html file", "End the name in .html")
    if html.is_dir():
        raise LatentclustError.at("--html", f"{html} is a folder", "Name a file with --html")
    if html.exists() and not overwrite:
        raise LatentclustError.at(str(html), "already exists", "Name another file with --html, or pass --overwrite")

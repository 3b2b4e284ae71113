"""`latentclust choose-k`: brief trainings with several numbers of clusters, and which of them the scores suggest."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Device, Json, Plugins, RecipeName, Settings
from latentclust.cluster_number.defaults import ROUNDS, SEEDS, SUBSAMPLE
from latentclust.errors import LatentclustError

TENTH = 0.1
"""Part of the rounds of a quick choice."""

Clusters = Annotated[
    str,
    typer.Option(metavar="NUMBERS", help="A range 4..16, with a step 4..16..2, or a list 4,6,8.", show_default=False),
]
Seeds = Annotated[int, typer.Option(help="Number of seeds, at least 3. Two of them share a subsample.")]
Subsample = Annotated[float, typer.Option(help="Part of the images in each subsample, above 0.5.")]
Fraction = Annotated[float | None, typer.Option(help="Part of the recipe's rounds.", show_default=str(ROUNDS))]
Quick = Annotated[bool, typer.Option("--quick", help="A tenth of the recipe's rounds.")]
Out = Annotated[Path | None, typer.Option(help="Output folder. Defaults to runs/NAME-choose-k.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace trainings in --out with other settings.")]
Workers = Annotated[int, typer.Option(help="Number of processes that train at the same time.")]


def choose_k(  # noqa: PLR0913, PLR0917 (the options of the command)
    recipe: RecipeName,
    clusters: Clusters,
    settings: Settings = None,
    seeds: Seeds = SEEDS,
    subsample: Subsample = SUBSAMPLE,
    rounds_fraction: Fraction = None,
    quick: Quick = False,
    out: Out = None,
    overwrite: Overwrite = False,
    workers: Workers = 1,
    device: Device = "auto",
    json: Json = False,
    plugins: Plugins = None,
) -> None:
    """Suggest a number of clusters: train a recipe briefly with several, and compare them without labels.

    Three rules choose a number each: the stability of trainings on overlapping subsamples, and the silhouette
    and the gap statistic of k-means. If two of them agree within one, that is the suggestion; otherwise no
    number stands out. Prediction strength, occupied clusters and the recipe's own criterion are shown beside.

    Every training is kept. Ctrl-C stops, and the same command continues.

    Examples:
        latentclust choose-k digits --clusters 6..14
        latentclust choose-k mine.toml --clusters 4..16..2 --seeds 6 --workers 2
        latentclust choose-k dubai5-mixture --clusters 3..8 --out runs/dubai-clusters
    """
    from latentclust.cli.phase_progress import show_phases

    if quick and rounds_fraction is not None:
        raise LatentclustError.at("--quick", "cannot be combined with --rounds-fraction", "Remove one of them")
    part = TENTH if quick else ROUNDS if rounds_fraction is None else rounds_fraction
    with show_phases("reading the recipe") as phases:
        from latentclust.cluster_number.choose import choose_k as choose

        choice = choose(
            recipe,
            clusters,
            tuple(settings or ()),
            plugins=tuple(plugins or ()),
            seeds=seeds,
            subsample=subsample,
            rounds_fraction=part,
            out=out,
            overwrite=overwrite,
            workers=workers,
            device=device,
            phases=phases,
        )
    from latentclust.cli.terminal import print_text, stdout_console

    if json:
        print_text(choice.json())
        return
    console = stdout_console()
    console.print(choice)
    _show_files(choice.folder, recipe, choice.suggestion.number)


def _show_files(folder: Path, recipe: str, number: int | None) -> None:
    """Print the files of a choice, and the command that trains the whole recipe with the suggested number."""
    from latentclust.cli.terminal import display_path, print_heading, print_lines, shell_command, stdout_console
    from latentclust.cluster_number.choice_folder import CHART, PAGE, RESULT, TABLE

    console = stdout_console()
    contents = {PAGE: "the table and the chart, to open in a browser", TABLE: "the same as text", CHART: "the chart"}
    contents[RESULT] = "all numbers"
    print_heading(console, "Files")
    width = max(map(len, contents))
    print_lines(
        console, [f"{display_path(folder)}/", *(f"  {name:{width}}  {what}" for name, what in contents.items())]
    )
    if number is not None:
        print_heading(console, "Try next")
        print_lines(console, [shell_command("run", recipe, "--set", f"prior.clusters={number}")])

"""`latentclust run`: train a recipe, score its clusters and write a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Device, Plugins, Settings
from latentclust.errors import Issue, LatentclustError, RunFailedError

if TYPE_CHECKING:
    from latentclust.report.results import SeedSummary
    from latentclust.runs.run import FinishedRun

Recipe = Annotated[
    str | None,
    typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a shipped recipe.", show_default=False),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Number of seeds to run, counted up from the recipe's.")]
Out = Annotated[Path | None, typer.Option(help="Output folder. Defaults to runs/NAME/DATE-TIME-SEED.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in --out.")]
Quick = Annotated[bool, typer.Option("--quick", help="A trial with a tenth of the rounds. It is not a result.")]
Resume = Annotated[Path | None, typer.Option(metavar="RUN", help="Resume the stopped run in this folder.")]


def run(  # noqa: PLR0913, PLR0917 (options)
    recipe: Recipe = None,
    settings: Settings = None,
    seeds: Seeds = None,
    out: Out = None,
    overwrite: Overwrite = False,
    plugins: Plugins = None,
    device: Device = "auto",
    quick: Quick = False,
    resume: Resume = None,
) -> None:
    """Train a recipe, cluster its images, score the clusters and write a report.

    `latentclust recipe list` lists the shipped recipes.

    --quick divides the rounds by ten; the data stay the same. The folder, the report and the results
    say that it is a trial.

    Ctrl-C writes a checkpoint and stops. --resume continues from it, also the folder of several seeds.

    Examples:
        latentclust run digits
        latentclust run mine.toml --set prior.clusters=20 --out runs/twenty
        latentclust run digits --seeds 5
        latentclust run mnist-dccs --quick
        latentclust run --resume runs/digits/20260101-120000-0
    """
    given = {
        "RECIPE": recipe,
        "--set": settings,
        "--seeds": seeds,
        "--out": out,
        "--overwrite": overwrite,
        "--quick": quick,
    }
    if resume is not None:
        _refuse_with_resume([name for name, value in given.items() if value])
        _resume(resume, device)
    elif recipe is None:
        fix = "Run `latentclust run RECIPE` or `latentclust run --resume RUN`; see `latentclust recipe list`"
        raise LatentclustError.at("run", "neither a recipe nor a run to resume was given", fix)
    elif seeds is None:
        _once(recipe, tuple(settings or ()), out, overwrite, device, quick)
    else:
        _several(recipe, seeds, tuple(settings or ()), out, overwrite, device, quick)


def _refuse_with_resume(given: list[str]) -> None:
    if given:
        fix = f"Remove {', '.join(given)}: a run resumes with its own recipe, in its own folder"
        raise LatentclustError.at("--resume", f"cannot be combined with {given[0]}", fix)


def _once(recipe: str, settings: tuple[str, ...], out: Path | None, overwrite: bool, device: str, quick: bool) -> None:
    from latentclust.cli.progress import make_listener

    with make_listener() as watching:
        from latentclust.runs.run import run as run_recipe

        finished = run_recipe(
            recipe, settings, out=out, overwrite=overwrite, device=device, quick=quick, listener=watching
        )
    _show(finished, recipe, settings)


def _resume(folder: Path, device: str) -> None:
    from latentclust.cli.progress import make_listener
    from latentclust.cli.terminal import display_path
    from latentclust.runs.run_folder import RECIPE, SEEDS

    if (folder / SEEDS).is_file():
        with make_listener() as watching:
            from latentclust.runs.seeds import resume_seeds

            several = resume_seeds(folder, device=device, listener=watching.seed)
        _show_several(*several)
        return
    with make_listener() as watching:
        from latentclust.runs.run import resume as resume_run

        finished = resume_run(folder, device=device, listener=watching)
    _show(finished, display_path(folder / RECIPE), ())


def _several(
    recipe: str, seeds: int, settings: tuple[str, ...], out: Path | None, overwrite: bool, device: str, quick: bool
) -> None:
    from latentclust.cli.progress import make_listener

    with make_listener() as watching:
        from latentclust.runs.seeds import run_seeds

        several = run_seeds(
            recipe, seeds, settings, out=out, overwrite=overwrite, device=device, quick=quick, listener=watching.seed
        )
    _show_several(*several)


def _show_several(folder: Path, summary: "SeedSummary", runs: "list[FinishedRun]") -> None:
    """Print several seeds. Raise RunFailedError if one failed."""
    from latentclust.cli.run_output import show_seeds
    from latentclust.cli.terminal import display_path

    show_seeds(folder, summary, runs)
    if summary.failed:
        fix = f"The other seeds' summary is in {display_path(folder)}"
        raise RunFailedError(*(Issue(f"seed {seed}", what, fix) for seed, what in summary.failed.items()))


def _show(finished: "FinishedRun", recipe: str, settings: tuple[str, ...]) -> None:
    from latentclust.cli.run_output import show_run

    show_run(finished, recipe, settings)

"""Several seeds of one recipe, each in a folder of its own: run, resumed and summarised."""

import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.assemble.resolve import Resolved
from latentclust.data.in_memory import GivenSamples
from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError, first_problem
from latentclust.files import write_atomic
from latentclust.plugins.registry import installed
from latentclust.recipe.overrides import Overrides
from latentclust.report.page.comparison_page import write_comparison
from latentclust.report.page.page import REPORT_PAGE
from latentclust.report.results import SeedSummary, summarise, write_summary
from latentclust.runs.given_samples import given_samples
from latentclust.runs.plugin_sources import check_plugin_sources, write_plugin_sources
from latentclust.runs.run import FinishedRun, load_resolved_recipe, make_folder, open_experiment, resume, run
from latentclust.runs.run_folder import RECIPE, SEEDS, lock_run
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.devices import choose_device
from latentclust.train.events import Listener

SeedListener = Callable[[int], Listener]
"""Returns the listener of a seed."""


class SeedsFile(BaseModel):
    """The contents of seeds.json, which a folder of several seeds has from the beginning.

    Attributes:
        seeds: The seeds, in the order in which they run.
    """

    model_config = ConfigDict(strict=True)

    seeds: list[int]


def run_seeds(  # noqa: PLR0913 (those of `run`)
    recipe: str | Path | Mapping[str, Any],
    seeds: int,
    overrides: Overrides = (),
    *,
    images: Any = None,
    labels: Any = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    quick: bool = False,
    listener: SeedListener | None = None,
) -> tuple[Path, SeedSummary, list[FinishedRun]]:
    """Run a recipe with several seeds, counted up from its own, each in `seed-N` of one folder.

    A seed that fails, for example because it diverges, does not stop the others. The summary names it. If `out` holds
    a run of the same recipe with as many seeds or fewer, it is continued.

    Args:
        recipe: Path of a recipe, name of a shipped recipe, or the tables themselves.
        seeds: Number of seeds.
        overrides: Changed values, as for `run`.
        images: Samples that replace the data set of the recipe, as for `run`.
        labels: Labels of `images`.
        out: Folder of the seeds. Defaults to `runs/NAME/DATE-TIME-SEED`.
        overwrite: Whether earlier runs in `out` may be replaced.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        quick: Whether the runs are trials with a tenth of the recipe's rounds.
        listener: Returns the listener of a seed.

    Raises:
        LatentclustError: For the same reasons as `run`.
        RunFailedError: If every seed fails.
    """
    given = given_samples(images, labels)
    first = load_resolved_recipe(recipe, overrides, quick=quick, given=given)
    if first.recipe.train.devices > 1:
        fix = "Run each seed alone with --set seed=N, or use train.devices = 1"
        raise LatentclustError.at("--seeds", f"is {seeds}, but data-parallel training takes one seed at a time", fix)
    choose_device(device, 1)
    # Open the data first, so that invalid data raise before the folder is created.
    open_experiment(first)
    wanted = list(range(first.recipe.seed, first.recipe.seed + seeds))
    out = None if out is None else Path(out).expanduser()
    if out is not None and not overwrite and _continues(out, first, wanted):
        return _each(out, wanted, device, listener, given)
    folder = make_folder(first, out, overwrite)
    write_atomic(folder / RECIPE, first.loaded.text)
    write_plugin_sources(folder, first.plugins)
    return _each(folder, wanted, device, listener, given)


def resume_seeds(
    folder: str | Path,
    *,
    images: Any = None,
    labels: Any = None,
    device: str = "auto",
    listener: SeedListener | None = None,
) -> tuple[Path, SeedSummary, list[FinishedRun]]:
    """Continue several seeds that were stopped. Finished seeds are not trained again.

    Args:
        folder: Folder that contains seeds.json.
        images: Samples of the runs, if they were passed to `run_seeds`.
        labels: Labels of `images`.
        device: Device: `auto`, `cpu`, `cuda` or `cuda:N`.
        listener: Returns the listener of a seed.

    Raises:
        LatentclustError: If the folder has no valid seeds.json and recipe, or as `resume` of a seed.
        RunFailedError: If every seed fails.
    """
    folder = Path(folder).expanduser()
    return _each(folder, _read_seeds(folder), device, listener, given_samples(images, labels))


def _each(
    folder: Path, seeds: list[int], device: str, listener: SeedListener | None, given: GivenSamples | None
) -> tuple[Path, SeedSummary, list[FinishedRun]]:
    """Run or resume each seed in its folder, and write the summary."""
    runs = []
    failed: dict[int, RunFailedError] = {}
    images, labels = (given.images, given.labels) if given else (None, None)
    check_plugin_sources(folder, installed())
    with lock_run(folder):
        write_atomic(folder / SEEDS, SeedsFile(seeds=seeds).model_dump_json() + "\n")
        tables = tomllib.loads((folder / RECIPE).read_text(encoding="utf-8"))
        for seed in seeds:
            where, watching = folder / f"seed-{seed}", listener(seed) if listener else None
            try:
                if (where / CHECKPOINT).exists():
                    runs.append(resume(where, images=images, labels=labels, device=device, listener=watching))
                else:
                    runs.append(
                        run(
                            tables,
                            {"seed": seed},
                            images=images,
                            labels=labels,
                            out=where,
                            overwrite=True,
                            device=device,
                            listener=watching,
                        )
                    )
            except RunFailedError as error:
                failed[seed] = error
            except InterruptedRunError as error:
                what = f"seed {seed} {error.issues[0].what}"
                raise InterruptedRunError.at(
                    str(folder), what, f"Resume all: latentclust run --resume {folder}"
                ) from error
        if not runs:
            raise RunFailedError(*(issue for error in failed.values() for issue in error.issues))
        reasons = {seed: str(error) for seed, error in failed.items()}
        summary = summarise([finished.result for finished in runs], reasons, [finished.folder for finished in runs])
        summary = summary.model_copy(update={"folders": [finished.folder.name for finished in runs]})
        write_summary(folder, summary)
        _write_page(folder, summary)
    return folder, summary, runs


def _write_page(folder: Path, summary: SeedSummary) -> None:
    """Write report.html of several seeds. Finished seeds do not fail because of their page: it is missing then."""
    page = folder / REPORT_PAGE
    with suppress(Exception):
        page.unlink(missing_ok=True)
        write_comparison(page, [summary], folder)


def _continues(folder: Path, first: Resolved, seeds: list[int]) -> bool:
    """Return whether a folder holds the first of the seeds, or all, of the same recipe.

    Raises:
        LatentclustError: If it holds more seeds.
    """
    recipe = folder / RECIPE
    same = recipe.is_file() and recipe.read_text(encoding="utf-8") == first.loaded.text
    if not same or not (folder / SEEDS).is_file():
        return False
    known = _read_seeds(folder)
    if known[: len(seeds)] == seeds != known:
        what = f"is {len(seeds)}, but {folder} holds {len(known)} seeds of this recipe"
        raise LatentclustError.at("--seeds", what, f"Pass --seeds {len(known)} or more, or choose another --out")
    return seeds[: len(known)] == known


def _read_seeds(folder: Path) -> list[int]:
    """Return the seeds of a folder. Raise LatentclustError if its seeds.json cannot be read."""
    path = folder / SEEDS
    try:
        return SeedsFile.model_validate_json(path.read_bytes()).seeds
    except (OSError, ValidationError) as error:
        what = f"cannot be read ({first_problem(error)})"
        raise LatentclustError.at(str(path), what, "Run the seeds again into another folder") from error

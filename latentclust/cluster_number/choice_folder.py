"""The folder of a choice: its settings, the results of its trainings, and its lock."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.cluster_number.brief_data import BriefData
from latentclust.cluster_number.settings import CLUSTERS_KEY
from latentclust.data.fingerprint import Fingerprint
from latentclust.errors import LatentclustError, first_problem
from latentclust.files import lock_file, remove_stale, write_atomic
from latentclust.train.identity import Identity

SETTINGS = "settings.json"
TRAININGS = "trainings"
KMEANS = "kmeans"
UNFINISHED = "unfinished"
RESULT, TABLE, CHART, PAGE = WRITTEN = ("choose_k.json", "choose-k.md", "choose-k.png", "choose-k.html")
LOCK = ".choose-k.lock"

SHOWN = 3
"""Maximum number of differences that a message names."""


class SettingsFile(BaseModel):
    """What all trainings in a folder share. Numbers of clusters and of seeds may be added later.

    Attributes:
        recipe: Values of the recipe that decide the weights, by dotted key, without the number of clusters.
        subsample: Part of the images in each subsample.
        rounds: Part of the rounds that is trained.
        data: Fingerprint of the images.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    recipe: dict[str, Any]
    subsample: float
    rounds: float
    data: Fingerprint

    @classmethod
    def of(cls, data: BriefData) -> "SettingsFile":
        """Return the settings of opened data."""
        identity, settings = Identity.of(data.experiment), data.settings
        recipe = {key: value for key, value in identity.recipe.items() if key != CLUSTERS_KEY}
        return cls(recipe=recipe, subsample=settings.subsample, rounds=float(settings.rounds), data=identity.data)

    def changes(self, now: "SettingsFile") -> list[str]:
        """Return what differs `now`, each as a phrase."""
        before, after = ({"--subsample": s.subsample, "--rounds-fraction": s.rounds, **s.recipe} for s in (self, now))
        keys = [*before, *(key for key in after if key not in before)]
        found = [
            f"{key} was {before.get(key, 'not set')!r} and is {after.get(key, 'not set')!r}"
            for key in keys
            if before.get(key) != after.get(key)
        ]
        data = self.data.change(now.data)
        return [*found, *([f"the images {data}"] if data else [])]


@contextmanager
def open_folder(folder: Path, data: BriefData, overwrite: bool) -> Iterator[None]:
    """Create the folder of a choice or continue an earlier one, and lock it.

    Raises:
        LatentclustError: If the folder holds other files, or trainings with other settings, or is locked.
    """
    found = _read_settings(folder)
    if found is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LatentclustError.at(str(folder), "is not the folder of a choice of clusters", "Choose another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be created ({error.strerror or error})"
        raise LatentclustError.at(str(folder), what, "Choose another folder with --out") from error
    busy = "another process is choosing a number of clusters here"
    with lock_file(folder / LOCK, busy, "Wait for it, or choose another --out"):
        now = SettingsFile.of(data)
        changes = found.changes(now) if found else []
        if changes and not overwrite:
            more = f"; {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
            what = f"has trainings with other settings: {'; '.join(changes[:SHOWN])}{more}"
            raise LatentclustError.at(str(folder), what, "Choose another --out, or pass --overwrite to replace them")
        if changes:
            _clear(folder)
        for part in (folder, folder / TRAININGS, folder / KMEANS):
            remove_stale(part)
        write_atomic(folder / SETTINGS, now.model_dump_json(indent=2))
        try:
            yield
        finally:
            with suppress(OSError):  # it holds checkpoints of stopped trainings, or does not exist
                (folder / UNFINISHED).rmdir()


def _read_settings(folder: Path) -> SettingsFile | None:
    """Return the settings in a folder. None if there are none."""
    path = folder / SETTINGS
    if not path.is_file():
        return None
    try:
        return SettingsFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        what = f"cannot be read ({first_problem(error)})"
        raise LatentclustError.at(str(path), what, "Choose another --out") from error


def _clear(folder: Path) -> None:
    """Remove the files of an earlier choice. All other files stay."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    for results in (TRAININGS, KMEANS):
        for path in [*(folder / results).glob("clusters-*")]:
            path.unlink()
    for name in WRITTEN:
        (folder / name).unlink(missing_ok=True)

"""Failures of a training that have a cause outside the program: memory that ran out, and processes that were killed."""

from operator import itemgetter
from pathlib import Path

import torch

from latentclust.errors import LatentclustError, RunFailedError, first_problem, is_out_of_memory
from latentclust.recipe.schema import Recipe
from latentclust.train.checkpoint_header import CHECKPOINT
from latentclust.train.followers import is_lost_peer


def training_failure(
    error: Exception, recipe: Recipe, device: torch.device, folder: Path, again: str = ""
) -> LatentclustError | None:
    """Return the error that the user sees; None if the cause is in the program.

    Args:
        error: Error of the training.
        recipe: Recipe of the training.
        device: Device of the training.
        folder: Folder of its checkpoint.
        again: Sentence, without its stop, about how it continues. Empty: `latentclust run --resume`.
    """
    advice = f" {again}" if again else _resume(folder)
    key, size = max(recipe.batch_sizes().items(), key=itemgetter(1))
    batch = f"{key} = {size}"
    if is_out_of_memory(error):
        fix = "Lower it, or set data.resident = false, or use smaller networks or images (data.size)"
        return RunFailedError.at(key, f"out of memory on {device} with {batch}", fix)
    if "DataLoader worker" in str(error):
        what = f"one of {recipe.data.workers} processes that read images was killed ({first_problem(error)})"
        fix = f"Its memory probably ran out: lower data.workers or {batch}"
        return RunFailedError.at("data.workers", what, f"{fix}.{advice}")
    if is_lost_peer(error):
        what = f"one of {recipe.train.devices} data-parallel processes has ended ({first_problem(error)})"
        fix = f"See its own message, or free memory if it was killed.{advice}"
        return RunFailedError.at("train.devices", what, fix)
    return None


def _resume(folder: Path) -> str:
    if not (folder / CHECKPOINT).exists():
        return ""
    return f" `latentclust run --resume {folder}` continues from the last checkpoint, also with changed data.workers"

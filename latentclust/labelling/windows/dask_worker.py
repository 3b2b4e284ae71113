"""What runs in the processes of a Dask cluster."""

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from distributed import Worker, WorkerPlugin, get_worker

from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.strip_labeller import StripJob, StripResult, label_strips
from latentclust.model.model_file import load

NAME = "latentclust-plan"


class WorkerSettings(WorkerPlugin):
    """Reads the model once in every worker.

    Attributes:
        plan: What strips are labelled by; set in the worker.
    """

    name = NAME
    settings: LabelSettings

    def __init__(self, model: str, device: str, rest: Mapping[str, Any], threads: int | None) -> None:
        """Is sent: the model's file, where its networks go, the rest of the plan, and how many threads torch takes."""
        self.model, self.device, self.rest, self.threads = model, device, dict(rest), threads

    def setup(self, worker: Worker) -> None:
        """In the worker, when it begins."""
        if self.threads:
            torch.set_num_threads(self.threads)
        self.settings = LabelSettings(model=load(self.model, self.device), **self.rest)


def label_strip(job: StripJob) -> StripResult:
    """Labels one strip."""
    plugin = get_worker().plugins[NAME]
    assert isinstance(plugin, WorkerSettings)
    return next(label_strips(plugin.settings, iter([job]), lambda: False, lambda job, windows, pixels: None))


def worker_info(token: str) -> tuple[str, str]:
    """What a file holds, or why it cannot be read; and the version of latentclust."""
    try:
        word = Path(token).read_text(encoding="utf-8")
    except OSError as error:
        word = os.strerror(error.errno) if error.errno else str(error)
    return word, version("latentclust")

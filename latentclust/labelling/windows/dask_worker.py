"""Functions that run in the workers of a Dask cluster."""

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from distributed import Worker, WorkerPlugin, get_worker

from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.strip_labeller import StripJob, StripResult, label_strips
from latentclust.model.model_file import load
from latentclust.plugins.given import PluginSource

NAME = "latentclust-plan"


class WorkerSettings(WorkerPlugin):
    """A worker plugin that loads the model once in every worker.

    Attributes:
        settings: Settings of the run; set in the worker.
    """

    name = NAME
    settings: LabelSettings

    def __init__(
        self,
        model: str,
        device: str,
        rest: Mapping[str, Any],
        threads: int | None,
        plugins: Sequence[PluginSource] = (),
    ) -> None:
        """Store the settings that are sent to the workers.

        Args:
            model: Path of the model file.
            device: Device of the networks.
            rest: All other settings.
            threads: Number of torch threads. None for the default.
            plugins: Plugins that were given to this process, as texts, names of modules or classes.
        """
        self.model, self.device, self.rest, self.threads = model, device, dict(rest), threads
        self.plugins = list(plugins)

    def setup(self, worker: Worker) -> None:
        """Load the model. Dask calls this in each worker."""
        if self.threads:
            torch.set_num_threads(self.threads)
        self.settings = LabelSettings(model=load(self.model, self.device, plugins=self.plugins), **self.rest)


def label_strip(job: StripJob) -> StripResult:
    """Label one strip."""
    plugin = get_worker().plugins[NAME]
    assert isinstance(plugin, WorkerSettings)
    return next(label_strips(plugin.settings, iter([job]), lambda: False, lambda job, windows, pixels: None))


def worker_info(token: str) -> tuple[str, str]:
    """Return the content of a file, or why it cannot be read, and the version of latentclust."""
    try:
        word = Path(token).read_text(encoding="utf-8")
    except OSError as error:
        word = os.strerror(error.errno) if error.errno else str(error)
    return word, version("latentclust")

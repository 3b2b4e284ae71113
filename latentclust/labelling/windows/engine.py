"""Who labels strips: this process, or processes of a Dask cluster."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.strip_labeller import Progress, StripResult, label_strips
from latentclust.labelling.windows.window_batches import ShouldStop, StripJob

Engine = Callable[[Iterator[StripJob], ShouldStop, Progress], Iterator[StripResult]]
"""Labels strips, in any order; it takes new ones as it has room for them."""


def make_engine(
    settings: LabelSettings, folder: Path, workers: int | None, scheduler: str | None
) -> AbstractContextManager[Engine]:
    """The engine that was asked for: a local cluster, one that runs, or this process.

    Args:
        settings: Settings of the run.
        folder: Of temporary files, which every worker must see under this path.
        workers: Of a local cluster; None for none.
        scheduler: The address of a cluster's scheduler.

    Raises:
        LatentclustError: Dask is not installed, or no cluster is there that sees the folder.
    """
    if workers is None and scheduler is None:
        return nullcontext(partial(label_strips, settings))
    from latentclust.labelling.windows.dask_cluster import cluster_engine

    return cluster_engine(settings, folder, workers, scheduler)

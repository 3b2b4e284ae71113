"""The memory bank: tables with one row per training sample, computed from all samples and recomputed when due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Int64
from torch import Tensor

from latentclust.assemble.stages import Stage
from latentclust.assemble.table_checks import IMAGES
from latentclust.data.feed import Batch
from latentclust.errors import RunFailedError
from latentclust.recipe.training_tables import SampleTable
from latentclust.specs.sample_tables import TableSpec
from latentclust.train.full_dataset import FullDatasetReader, place_tensors, select_rows


@dataclass(slots=True)
class MemoryBank:
    """The sample tables of one training. Every process holds all rows.

    Attributes:
        specs: Table parts by name.
        options: Recipe tables by name, with the interval at which each is computed.
        dataset: Reader that computes a table from all training samples.
        samples: Number of training samples.
        samples_of: Returns the samples of given indices as stored, on the device.
        read: Returns the preprocessed images of samples as stored.
        rng: Generator of a training step, on the device.
        memory_limit: Largest total size of the tables on the device, in bytes.
        views: Tables whose samples are augmented, by the name of the view.
        rows: Tables that have been computed, by name.
    """

    specs: Mapping[str, TableSpec]
    options: Mapping[str, SampleTable]
    dataset: FullDatasetReader
    samples: int
    samples_of: Callable[[Int64[Tensor, " b"]], Tensor]
    read: Callable[[Batch], Tensor]
    rng: torch.Generator
    memory_limit: int
    views: Mapping[str, str] = field(default_factory=dict)
    rows: dict[str, Tensor] = field(default_factory=dict)

    def refresh(self, round_: int, stage: Stage) -> None:
        """Compute the tables that a stage reads and that are due before a round.

        Args:
            round_: The round, counted from 1.
            stage: The stage of the round.

        Raises:
            RunFailedError: If a table is not finite, or does not have one row per sample.
        """
        for name in self.specs:
            every = self.options[name].every
            due = name not in self.rows or (every and (round_ - 1 - stage.first) % every == 0)
            readers = {name, name + IMAGES, *(view for view, table in self.views.items() if table == name)}
            if due and any(readers & set(plan.given) for plan in stage.plans.values()):
                self.restore(self.rows | {name: self._compute(name, round_)})

    def restore(self, rows: Mapping[str, Tensor]) -> None:
        """Replace the tables. Raise ValueError if one does not have one row per sample."""
        wrong = [name for name, tensor in rows.items() if len(tensor) != self.samples]
        if wrong:
            raise ValueError(f"the table {wrong[0]!r} has {len(rows[wrong[0]])} rows for {self.samples} samples")
        self.rows = place_tensors(rows, self.rng.device, self.memory_limit)

    def batch_rows(self, name: str, batch: Batch) -> Tensor:
        """Return the rows of a batch, `(b, ...)`, on the device."""
        return select_rows(self.rows[name], batch.index, self.rng.device)

    def sampled_images(self, name: str, batch: Batch) -> Tensor:
        """Return the image of one sample drawn from each row of a batch; the rows hold sample indices."""
        return self.read(self.sampled_batch(name, batch))

    def sampled_batch(self, name: str, batch: Batch) -> Batch:
        """Return one sample drawn from each row of a batch; the rows hold sample indices."""
        rows = self.batch_rows(name, batch)
        column = torch.randint(rows.shape[1], (len(rows), 1), generator=self.rng, device=self.rng.device)
        index = rows.gather(1, column).flatten()
        return Batch(raw=self.samples_of(index), index=index, views={})

    def _compute(self, name: str, round_: int) -> Tensor:
        """Return a table computed with the current networks and checked; every process gets the first one's."""
        table = self.dataset.read(self.specs[name].compute, f"tables.{name}", round_)
        if problem := self._problem(name, table):
            fix = "Fix the plugin that provides it, or lower the learning rate of the networks that it reads"
            raise RunFailedError.at(f"tables.{name}", f"{problem}, before round {round_}", fix)
        return self.dataset.broadcast_from_first(table)

    def _problem(self, name: str, table: Tensor) -> str | None:
        """Return what is wrong with a table, or None."""
        if not table.dim() or len(table) != self.samples:
            return f"the table has shape {tuple(table.shape)} for {self.samples} samples"
        if self.specs[name].of_samples:
            if table.dtype != torch.int64 or table.dim() != 2 or not table.numel():
                return f"expected sample indices (n, m) int64, got {table.dtype} of shape {tuple(table.shape)}"
            least, most = table.min().item(), table.max().item()
            return None if least >= 0 and most < self.samples else f"it has sample indices from {least} to {most}"
        return None if bool(torch.isfinite(table).all()) else "the table is not finite"

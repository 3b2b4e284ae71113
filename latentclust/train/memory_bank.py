"""Tables with a row for each training sample, computed from all of them, and computed anew when due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Int64
from torch import Tensor

from latentclust.assemble.stages import Stage
from latentclust.assemble.table_checks import IMAGES
from latentclust.data.feed import Batch
from latentclust.errors import RunFailedError
from latentclust.recipe.schema import SampleTable
from latentclust.specs.sample_tables import TableSpec
from latentclust.train.full_dataset import FullDatasetReader
from latentclust.train.sample_rows import place_tensors, select_rows


@dataclass(slots=True)
class MemoryBank:
    """The tables of one training; every process holds all their rows.

    Attributes:
        specs: What they are, by name.
        options: How often each is computed.
        samples: Of the training set.
        images: The preprocessed images of given indices, on the device.
        rng: What is drawn from in a step.
        rows: Those that were computed so far.
    """

    specs: Mapping[str, TableSpec]
    options: Mapping[str, SampleTable]
    dataset: FullDatasetReader
    samples: int
    images: Callable[[Int64[Tensor, " b"]], Tensor]
    rng: torch.Generator
    memory_limit: int
    rows: dict[str, Tensor] = field(default_factory=dict)

    def refresh(self, round_: int, stage: Stage) -> None:
        """Computes what a stage reads and is due before a round, counted from 1.

        Raises:
            RunFailedError: where a table is not finite, or has not a row for each sample.
        """
        for name in self.specs:
            every = self.options[name].every
            due = name not in self.rows or (every and (round_ - 1 - stage.first) % every == 0)
            if due and any({name, name + IMAGES} & set(plan.given) for plan in stage.plans.values()):
                self.restore(self.rows | {name: self._compute(name, round_)})

    def restore(self, rows: Mapping[str, Tensor]) -> None:
        """Takes over tables; raises ValueError where they are not of this set."""
        lost = [name for name, tensor in rows.items() if len(tensor) != self.samples]
        if lost:
            raise ValueError(f"the table {lost[0]!r} has {len(rows[lost[0]])} rows for {self.samples} samples")
        self.rows = place_tensors(rows, self.rng.device, self.memory_limit)

    def batch_rows(self, name: str, batch: Batch) -> Tensor:
        """The rows of a batch."""
        return select_rows(self.rows[name], batch.index, self.rng.device)

    def sampled_images(self, name: str, batch: Batch) -> Tensor:
        """The image of one sample drawn from each row of a batch."""
        rows = self.batch_rows(name, batch)
        column = torch.randint(rows.shape[1], (len(rows), 1), generator=self.rng, device=self.rng.device)
        return self.images(rows.gather(1, column).flatten())

    def _compute(self, name: str, round_: int) -> Tensor:
        """A table from the networks as they are, checked, and the first process's on all of them."""
        table = self.dataset.read(self.specs[name].compute, f"tables.{name}", round_)
        if wrong := self._misfit(name, table):
            fix = "Mend the plugin that provides it, or lower the learning rate of what it reads"
            raise RunFailedError.at(f"tables.{name}", f"{wrong}, before round {round_}", fix)
        return self.dataset.broadcast_from_first(table)

    def _misfit(self, name: str, table: Tensor) -> str | None:
        """What is wrong with a table, or None."""
        if not table.dim() or len(table) != self.samples:
            return f"a table of shape {tuple(table.shape)} for {self.samples} samples"
        if self.specs[name].of_samples:
            if table.dtype != torch.int64 or table.dim() != 2 or not table.numel():
                return f"a table of {table.dtype} and shape {tuple(table.shape)}, where indices are (n, m) int64"
            least, most = table.min().item(), table.max().item()
            return None if least >= 0 and most < self.samples else f"indices from {least} to {most}"
        return None if bool(torch.isfinite(table).all()) else "it is no longer finite"

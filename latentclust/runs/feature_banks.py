"""Feature banks of a recipe: found by their key, or computed once and stored."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.memory import GIB
from latentclust.assemble.preprocess import shape_after
from latentclust.assemble.resolve import resolve
from latentclust.data.feature_bank import (
    CHUNK,
    BankHeader,
    BankSource,
    BankWriter,
    bank_file,
    find_banks,
    lock_bank,
    read_bank,
)
from latentclust.data.feed import Batch
from latentclust.data.roots import data_roots, features_root
from latentclust.data.stream import read_with_views
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.networks.folding import fold_batch_norms
from latentclust.plugins.registry import installed
from latentclust.recipe.load import load_recipe
from latentclust.recipe.schema import FeaturesTable
from latentclust.runs.bank_identity import describe_bank, describe_banks
from latentclust.runs.report_facts import test_split
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import FEATURES
from latentclust.tensors import Images
from latentclust.train.allocator import keep_freed_memory
from latentclust.train.devices import first_device
from latentclust.train.step_inputs import draw_view, host_steps, read_images

BATCH = {"cpu": 16}
"""Number of images that the network reads at once, by device: on a CPU as many as its caches hold."""

LARGE_BATCH = 64
"""The same for other devices."""

SECONDS = 5.0
"""Minimum number of seconds between messages about progress."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bank:
    """A complete feature bank of a data set.

    Attributes:
        path: Its file.
        header: Its header.
    """

    path: Path
    header: BankHeader

    def attached_to(self, data: ImageSet) -> ImageSet:
        """Return the data set with its features."""
        return replace(data, features=BankSource(self.path, self.header))


def with_banks(
    experiment: Experiment, tested: ImageSet, device: torch.device, tell: Tell
) -> tuple[Experiment, ImageSet]:
    """Return an experiment and its test data that read their features from banks. Missing banks are computed.

    Args:
        experiment: The experiment. Without `[features]` it is returned unchanged.
        tested: Data set that is scored; it needs no views.
        device: Device that computes the features.
        tell: Receives sentences about the progress.

    Raises:
        LatentclustError: If a feature is not finite, a bank cannot be written, or another process is writing it.
    """
    table = experiment.resolved.recipe.features
    if experiment.features is None or table is None:
        return experiment, tested
    bank = find_or_make(experiment, experiment.data, table.views, device, tell)
    data = bank.attached_to(experiment.data)
    rows = BankSource(bank.path, bank.header, views=table.views > 0)
    with_rows = replace(experiment, data=data, bank=rows)
    if tested is experiment.data:
        return with_rows, data
    return with_rows, find_or_make(experiment, tested, 0, device, tell).attached_to(tested)


def make_banks(recipe: str, settings: tuple[str, ...], device: str, tell: Tell) -> tuple[Bank, ...]:
    """Compute the banks of a recipe: of its training data, and of its test data if they are others.

    Raises:
        LatentclustError: As `with_banks`, or if the recipe or the data are invalid.
    """
    resolved = resolve(load_recipe(recipe, installed(), settings), installed())
    table = resolved.recipe.features
    if table is None:
        return ()
    experiment = assemble(resolved, data_roots())
    tested = test_split(resolved, experiment.data, data_roots())
    splits = [(experiment.data, table.views), *([(tested, 0)] if tested is not experiment.data else [])]
    place = first_device(device, 1)
    return tuple(find_or_make(experiment, data, views, place, tell) for data, views in splits)


def find_or_make(experiment: Experiment, data: ImageSet, views: int, device: torch.device, tell: Tell) -> Bank:
    """Return the bank of a data set. It is computed if it is missing or damaged.

    Raises:
        LatentclustError: As `with_banks`.
    """
    header = describe_bank(experiment, data, views)
    path = bank_file(features_root(), header.key)
    if (bank := _intact(path, header, tell)) is not None:
        return bank
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = "Set LATENTCLUST_FEATURES to a folder that you may write to"
        raise LatentclustError.at(str(path.parent), f"cannot be created ({error.strerror or error})", fix) from error
    with lock_bank(path):
        if (bank := _intact(path, header, lambda _: None)) is not None:  # another process has just written it
            return bank
        table = experiment.resolved.recipe.features
        assert table is not None, "the experiment has features"
        _check_limit(path, header, table)
        return _compute(experiment, data, BankWriter(path, header), device, tell)


def with_existing(model: ClusteringModel, data: ImageSet) -> ImageSet:
    """Return a data set with its features if a complete bank of the model's has them; otherwise unchanged."""
    table = model.resolved.recipe.features
    if table is None or model.features is None:
        return data
    shape, networks = (model.features.width,), dict(model.networks)
    experiment = Experiment(model.resolved, data, shape, networks, model.features, fitted=model.fitted)
    for header in describe_banks(experiment, data, dict.fromkeys((table.views, 0))):
        with suppress(LatentclustError):  # a damaged bank is as good as none
            bank = _stored(bank_file(features_root(), header.key), header)
            if bank is not None:
                return bank.attached_to(data)
    return data


def _intact(path: Path, header: BankHeader, tell: Tell) -> Bank | None:
    """Return the complete bank in a file. None without one; a damaged bank is told."""
    try:
        return _stored(path, header)
    except LatentclustError as error:
        tell(f"{error.issues[0].where}: {error.issues[0].what}; it is computed again")
    return None


def _stored(path: Path, header: BankHeader) -> Bank | None:
    """Return the complete bank in a file. None without the file; raise LatentclustError if it is damaged."""
    return Bank(path, _same(path, read_bank(path), header)) if path.exists() else None


def _same(path: Path, found: BankHeader, wanted: BankHeader) -> BankHeader:
    """Return the header that was found. Raise LatentclustError if the file is the bank of something else."""
    if found.key != wanted.key or (found.samples, found.rows, found.width) != (
        wanted.samples,
        wanted.rows,
        wanted.width,
    ):
        what = f"is the feature bank of other weights, settings or data ({found.data}, {found.network})"
        raise LatentclustError.at(str(path), what, "Delete it")
    return found


def _compute(experiment: Experiment, data: ImageSet, writer: BankWriter, device: torch.device, tell: Tell) -> Bank:
    """Compute what the writer lacks, chunk by chunk."""
    samples, first = writer.header.samples, writer.header.done
    network = experiment.features
    assert network is not None
    size = writer.header.size / GIB
    begin = f"resuming the feature bank after {first:,} of" if first else "computing once the features of"
    tell(f"{begin} {samples:,} images, into {writer.path} ({size:.2g} GiB)")
    try:
        _append_all(_accelerated(experiment, data, device), data, writer, device, tell)
    finally:
        network.to("cpu")  # training reads the bank, and needs the memory of the device
    return Bank(writer.path, writer.finish())


def _append_all(experiment: Experiment, data: ImageSet, writer: BankWriter, device: torch.device, tell: Tell) -> None:
    began = told = time.monotonic()
    samples, first = writer.header.samples, writer.header.done
    while writer.header.done < samples:
        start, since = writer.header.done, time.monotonic()
        indices = np.arange(start, min(start + CHUNK, samples), dtype=np.int64)
        values = _features(experiment, data, indices, writer.header.rows - 1, device)
        _check_values(values, start, experiment)
        writer.append(values.astype(np.float16), time.monotonic() - since)
        now = time.monotonic()
        if now - told > SECONDS:
            told, rate = now, (writer.header.done - first) / (now - began)
            left = (samples - writer.header.done) / rate
            tell(f"features of {writer.header.done:,} of {samples:,} images, {rate:.0f} images/s, {left:.0f} s left")


def _accelerated(experiment: Experiment, data: ImageSet, device: torch.device) -> Experiment:
    """Return an experiment whose frozen network takes less time on the device and computes the same."""
    keep_freed_memory()
    assert experiment.features is not None
    shape = shape_after(experiment.resolved.preprocess, data.source.shape)
    sample = Images(torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)).to(device))
    return replace(experiment, features=fold_batch_norms(experiment.features.to(device), sample))


def _features(
    experiment: Experiment, data: ImageSet, indices: NDArray[np.int64], views: int, device: torch.device
) -> NDArray[np.float32]:
    """Return the features of samples and of their views, `(m, 1 + views, d)`."""
    table = experiment.resolved.recipe.features
    name = (table and table.view) or ""
    steps = experiment.resolved.views[name] if views else ()
    size = BATCH.get(device.type, LARGE_BATCH)
    rows = []
    for epoch in range(1 + views):
        entropy = np.random.SeedSequence((epoch, int(indices[0])))
        rng = torch.Generator(device).manual_seed(int(entropy.generate_state(1)[0]))
        parts = []
        for at in range(0, len(indices), size):
            part = indices[at : at + size]
            host = {name: host_steps(steps)} if epoch else {}
            batch = _moved(read_with_views(data.source, host, 0, epoch, part), device)
            if epoch:
                images = draw_view(batch, name, steps, experiment.preprocess, rng).images
            else:
                images = read_images(batch, experiment.preprocess, rng)
            parts.append(images.cpu().numpy())
        rows.append(np.concatenate(parts))
    return np.stack(rows, axis=1)


def _moved(batch: Batch, device: torch.device) -> Batch:
    views = {name: view.to(device) for name, view in batch.views.items()}
    return Batch(raw=batch.raw.to(device), index=batch.index, views=views)


def _check_values(values: NDArray[np.float32], start: int, experiment: Experiment) -> None:
    """Raise LatentclustError if a feature is NaN, or too large for the 16 bits of the store."""
    wrong = np.argwhere(~np.isfinite(values))
    if not len(wrong):
        return
    table = experiment.resolved.recipe.features
    precision = table.precision if table else "fp32"
    what = f"the features of sample {start + int(wrong[0][0])} are NaN or exceed 65,504 in {precision}"
    fix = "Set features.precision = 'fp32'" if precision != "fp32" else "Choose a network with smaller outputs"
    raise LatentclustError.at(FEATURES, what, fix)


def _check_limit(path: Path, header: BankHeader, table: FeaturesTable) -> None:
    """Raise LatentclustError if the bank would exceed the limit of all banks, or the free space."""
    folder = path.parent
    used = sum(found.stat().st_size for found, _ in find_banks(folder) if found.stem != path.stem)
    fix = "Drop others (latentclust data features list, drop), lower features.views, or raise features.folder_limit"
    if used + header.size > table.folder_limit:
        limit = table.folder_limit / GIB
        what = f"the bank takes {header.size / GIB:.2g} GiB and the others {used / GIB:.2g} GiB, above {limit:.2g} GiB"
        raise LatentclustError.at("features.folder_limit", what, fix)
    there = path.with_suffix(".unfinished")
    free = shutil.disk_usage(folder).free + (there.stat().st_size if there.exists() else 0)
    if header.size > free:
        what = f"has {free / GIB:.2g} GiB of free space, and the feature bank takes {header.size / GIB:.2g} GiB"
        raise LatentclustError.at(str(folder), what, "Free some space, or set LATENTCLUST_FEATURES to another folder")

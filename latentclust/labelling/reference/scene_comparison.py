"""Label a scene and compare the labels with a reference raster, over the pixels that are valid in both."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from latentclust.data.scenes.opening import open_raster
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError, RunFailedError
from latentclust.evaluate.protocol import Protocol, nmi_average
from latentclust.evaluate.segmentation import ContingencyCounter
from latentclust.labelling.chosen_scenes import ChosenScenes, choose_scenes, match_scene
from latentclust.labelling.label_options import LabelOptions
from latentclust.labelling.label_report import LabelListener
from latentclust.labelling.label_scenes import label
from latentclust.labelling.reference.blocks import Block, split_into_blocks
from latentclust.labelling.reference.class_raster import Reference, check_reference, open_reference
from latentclust.labelling.reference.resample import align_to_scene
from latentclust.labelling.reference.scene_baselines import BaselineScores, ScenePixels, score_scene_baselines
from latentclust.labelling.scene_options import SceneOptions
from latentclust.labelling.windows.stitch import NO_DATA
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult
from latentclust.specs.data import VOID, SealedMaps
from latentclust.specs.scenes import Scene


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """The number of pixels of a scene that were compared, and of those that were not.

    Attributes:
        scene: Number of all pixels.
        labelled: Number of pixels with a cluster.
        referenced: Number of pixels with a class.
        compared: Number of pixels with both.
    """

    scene: int
    labelled: int
    referenced: int
    compared: int

    def __str__(self) -> str:
        """Return the counts as a sentence."""
        no_class, no_label = self.labelled - self.compared, self.referenced - self.compared
        left_out = f"{no_class:,} with a cluster alone, {no_label:,} with a class alone"
        return f"{self.compared:,} of {self.scene:,} pixels are valid in both and compared; left out: {left_out}."


@dataclass(frozen=True, slots=True)
class SceneAgreement:
    """The agreement of a scene's labels with a reference.

    Attributes:
        facts: Scores of the model and of the baselines, as for a run.
        alignment: How the reference was resampled to the scene's grid, as one sentence.
        pixels: Number of compared pixels.
        labels: Path of the label raster. None if it was not kept.
    """

    facts: RunFacts
    alignment: str
    pixels: PixelCounts
    labels: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the agreement as a JSON-serializable dict."""
        more = {"alignment": self.alignment, "pixels": asdict(self.pixels), "warnings": list(self.facts.warnings)}
        kept = {"labels": str(self.labels)} if self.labels else {}
        return {**RunResult.from_facts(self.facts).model_dump(), **more, **kept}


def compare_scene(
    model: ClusteringModel,
    scene: str | Path,
    reference: Path,
    *,
    nodata: int | None = None,
    options: SceneOptions | None = None,
    out: Path | None = None,
    listener: LabelListener | None = None,
) -> SceneAgreement:
    """Label a scene as `label` does, and compare the labels with a raster of classes, block by block.

    Args:
        model: A model of label maps. Its recipe names metrics and baselines.
        scene: A raster, or what else `label` takes, if it is one scene.
        reference: Path of a raster with one band of whole numbers. Its nodata pixels have no class. If its grid differs
            from the scene's, it is resampled by nearest neighbour.
        nodata: A value of the reference that is not a class, in addition to its nodata value.
        options: How the scene is read, as by `label`. Baselines read it alike. Defaults to `SceneOptions()`.
        out: Folder for the label raster. By default the label raster is not kept.
        listener: Receives progress events of the labelling.

    Raises:
        LatentclustError: If there are several scenes, the scene does not match the model, the reference is invalid, or
            no pixel is valid in both.
        RunFailedError: If the scene could not be labelled.
        InterruptedRunError: If the user stops with Ctrl-C, SIGTERM or SIGHUP during the labelling.
    """
    began = time.monotonic()
    chosen = choose_scenes(model, scene, options or SceneOptions(), where=("--scene", "--bands"), out=out)
    one = _only(chosen, scene)
    with open_raster(one) as file, open_raster(reference) as other:
        bands = match_scene(file, one, chosen.bands, chosen.normalisation).bands
        band, blocks = check_reference(other, reference), split_into_blocks(file.height, file.width)
        with align_to_scene(other, reference, file) as aligned, _label_folder(out) as folder:
            classes = open_reference(aligned, band, reference, nodata, blocks)
            labels, warnings = _label(model, scene, folder, options, listener)
            counter, valid_blocks = _count(model, labels, classes, blocks)
            pixels = _pixel_counts(counter, classes, file.height * file.width, reference)
            images = ScenePixels(file, bands, one.name, blocks, model.device)
            baselines = score_scene_baselines(model, images, classes, valid_blocks, counter)
    protocol = _protocol(model, one, reference, pixels)
    baselines = replace(baselines, warnings=warnings + baselines.warnings)
    facts = _facts(model, protocol, counter, classes.names, baselines, time.monotonic() - began)
    return SceneAgreement(facts, aligned.description, pixels, labels if out else None)


def _only(chosen: ChosenScenes, given: str | Path) -> Scene:
    """Return the scene. Raise LatentclustError if there are several."""
    if len(chosen.scenes) != 1:
        what = f"{str(given)!r} is {len(chosen.scenes)} scenes"
        raise LatentclustError.at("--scene", what, "Give one raster, or one set of files with --bands or --stack")
    return chosen.scenes[0]


@contextmanager
def _label_folder(out: Path | None) -> Iterator[Path]:
    """Yield the folder of the label raster: `out`, or a temporary folder."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="latentclust-") as folder:
        yield Path(folder)


def _label(
    model: ClusteringModel,
    scene: str | Path,
    folder: Path,
    options: SceneOptions | None,
    listener: LabelListener | None,
) -> tuple[Path, tuple[str, ...]]:
    """Label the scene. Return the path of the label raster, and warnings about the scene."""
    given = LabelOptions(**options.given) if options else None
    (result,) = label(model, scene, folder, given, listener=listener).scenes
    if result.status != "done":
        raise RunFailedError.at(result.input, result.reason.rstrip("."), "Fix the scene and run the command again")
    return folder / result.output, tuple(f"{PurePath(result.input).name} {each}" for each in result.warnings)


def _count(
    model: ClusteringModel, labels: Path, reference: Reference, blocks: Sequence[Block]
) -> tuple[ContingencyCounter, list[int]]:
    """Count clusters against classes. Return the counts, and the numbers of the blocks with labels."""
    counter = ContingencyCounter(model.clusters, SealedMaps(reference.maps), len(reference.names))
    valid_blocks = []
    with open_raster(labels) as file:
        for index, block in enumerate(blocks):
            with decode_errors(labels):
                clusters = file.read(window=block.window).astype(np.int64)
            if np.any(clusters != NO_DATA):
                valid_blocks.append(index)
                counter.add(np.where(clusters == NO_DATA, VOID, clusters - 1), np.array([index]))
    return counter, valid_blocks


def _pixel_counts(counter: ContingencyCounter, reference: Reference, scene: int, path: Path) -> PixelCounts:
    """Return the number of compared pixels. Raise LatentclustError if there are none."""
    assert counter.table is not None, "the counter has a reference"
    found = PixelCounts(scene, int(counter.occupancy.sum()), reference.pixels, int(counter.table.sum()))
    if not found.compared:
        what = f"has no class at any of the {found.labelled:,} labelled pixels of the scene"
        raise LatentclustError.at(str(path), what, "Check that the two overlap, and both nodata values")
    return found


def _facts(
    model: ClusteringModel,
    protocol: Protocol,
    counter: ContingencyCounter,
    classes: tuple[str, ...],
    baselines: BaselineScores,
    seconds: float,
) -> RunFacts:
    """Return the scores of a scene in the form of those of a run."""
    resolved, found = model.resolved, counter.scores(model.resolved.metrics)
    return RunFacts(
        recipe=resolved.recipe.name,
        recipe_text=resolved.loaded.text,
        protocol=protocol,
        seed=resolved.recipe.seed,
        device=str(model.device),
        seconds=seconds,
        versions={**resolved.distributions, "torch": version("torch")},
        clusters=model.clusters,
        names=model.names,
        naming=model.naming,
        occupancy=found.occupancy,
        selection="the weights stored in the model file",
        metrics=found.metrics,
        baselines=baselines.scores,
        table=found.table,
        matching=found.matching,
        classes=classes,
        variant=resolved.loaded.variant,
        warnings=baselines.warnings,
        trial=resolved.recipe.train.trial,
        trained=bool(resolved.recipe.losses),
    )


def _protocol(model: ClusteringModel, scene: Scene, reference: Path, pixels: PixelCounts) -> Protocol:
    """Return the description of the data that the scores were measured on."""
    recipe, options = model.resolved.recipe, model.resolved.dataset.model_dump(mode="json")
    trained = " ".join(str(part) for part in (recipe.data.use, options.get("path")) if part)
    return Protocol(
        name=f"{scene.output.stem} against {reference.stem}",
        data=f"{scene.short} ({pixels.scene:,} pixels)",
        train_split=f"{trained} without labels",
        test_split=f"the {pixels.compared:,} pixels valid in both",
        clusters=model.clusters,
        nmi=nmi_average(model.resolved.metrics.values()),
        unit="pixels",
    )

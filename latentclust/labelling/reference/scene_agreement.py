"""What a reference raster says of the labels of a scene."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from latentclust.evaluate.clustering import ClusteringScores
from latentclust.evaluate.protocol import Protocol, nmi_average
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.report.results import RunResult


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """How many pixels of the scene were compared, and how many were not.

    Attributes:
        scene: All.
        labelled: With a cluster.
        referenced: With a class.
        compared: With both.
    """

    scene: int
    labelled: int
    referenced: int
    compared: int

    def __str__(self) -> str:
        """As a sentence."""
        no_class, no_label = self.labelled - self.compared, self.referenced - self.compared
        left_out = f"{no_class:,} with a cluster alone, {no_label:,} with a class alone"
        return f"{self.compared:,} of {self.scene:,} pixels are valid in both and compared; left out: {left_out}."


@dataclass(frozen=True, slots=True)
class SceneAgreement:
    """What a reference says of a scene's labels.

    Attributes:
        facts: The scores beside the baselines, as of any run.
        alignment: How the reference came onto the scene's grid, a sentence.
        pixels: What was compared.
        labels: The label raster; None where it was not to be kept.
    """

    facts: RunFacts
    alignment: str
    pixels: PixelCounts
    labels: Path | None

    def as_json(self) -> dict[str, Any]:
        """What a machine reads."""
        beside = {"alignment": self.alignment, "pixels": asdict(self.pixels), "warnings": list(self.facts.warnings)}
        kept = {"labels": str(self.labels)} if self.labels else {}
        return {**RunResult.from_facts(self.facts).model_dump(), **beside, **kept}


@dataclass(frozen=True, slots=True)
class Beside:
    """The scores of baselines, and a sentence for each that refused the scene."""

    scores: Mapping[str, Mapping[str, float]]
    warnings: tuple[str, ...]


def facts_of(
    model: ClusteringModel, protocol: Protocol, found: ClusteringScores, classes: tuple[str, ...], beside: Beside
) -> RunFacts:
    """The scores of a scene as those of any run."""
    resolved = model.resolved
    return RunFacts(
        recipe=resolved.recipe.name,
        recipe_text=resolved.loaded.text,
        protocol=protocol,
        seed=resolved.recipe.seed,
        device=str(model.device),
        seconds=0.0,
        versions={**resolved.distributions, "torch": version("torch")},
        clusters=model.clusters,
        occupancy=found.occupancy,
        selection="The model is as its file holds it.",
        metrics=found.metrics,
        baselines=beside.scores,
        table=found.table,
        matching=found.matching,
        classes=classes,
        variant=resolved.loaded.variant,
        warnings=beside.warnings,
    )


def protocol_of(model: ClusteringModel, scene: Path, reference: Path, pixels: PixelCounts) -> Protocol:
    """What the numbers were measured on."""
    recipe, options = model.resolved.recipe, model.resolved.dataset.model_dump(mode="json")
    trained = " ".join(str(part) for part in (recipe.data.use, options.get("path")) if part)
    return Protocol(
        name=f"{scene.stem} against {reference.stem}",
        data=f"{scene.name} ({pixels.scene:,} pixels)",
        train_split=f"{trained} without labels",
        test_split=f"the {pixels.compared:,} pixels valid in both",
        clusters=model.clusters,
        nmi=nmi_average(model.resolved.metrics.values()),
        unit="pixels",
    )

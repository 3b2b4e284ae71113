"""What a report says of a model read on a data set: scores, baselines, and how they were measured."""

from importlib.metadata import version
from pathlib import Path

from latentclust.assemble.resolve import Resolved
from latentclust.errors import LatentclustError
from latentclust.evaluate.protocol import Protocol, nmi_average
from latentclust.model.model import ClusteringModel
from latentclust.report.facts import RunFacts
from latentclust.runs.alternative_readouts import chain_warnings, evaluate_chains, score_readouts
from latentclust.runs.baseline_scores import score_baselines
from latentclust.runs.dataset_scores import DatasetScores
from latentclust.runs.label_maps import label_mismatch
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import DatasetSpec


def test_split(resolved: Resolved, trained_on: ImageSet, roots: tuple[Path, ...]) -> ImageSet:
    """The part of the data that is scored.

    Raises:
        LatentclustError: where another split is asked of a data set that has none, or that split is absent.
    """
    split = resolved.recipe.evaluate.split
    if split is None or split == split_of(resolved.dataset):
        return trained_on
    if "split" not in type(resolved.dataset).model_fields:
        what = f"{split!r}, and the data set {resolved.recipe.data.use!r} has no splits"
        raise LatentclustError.at("evaluate.split", what, "Take it out, or choose another data set")
    return resolved.dataset.model_copy(update={"split": split}).open(roots)


def split_of(dataset: DatasetSpec) -> str:
    """The split that a data set was asked for; `all` for a set without splits."""
    return str(dataset.model_dump().get("split", "all"))


def gather_facts(model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, found: DatasetScores) -> RunFacts:
    """The scores of what was found, of other inferences and of the baselines, and how they were measured."""
    resolved, assessment = model.resolved, found.clustering
    baselines, warnings = score_baselines(model, tested, assessment)
    chains = evaluate_chains(model, tested, found)
    mismatch = label_mismatch(tested, model.per_pixel)
    unit = "pixels" if model.per_pixel else "images"
    return RunFacts(
        recipe=resolved.recipe.name,
        recipe_text=resolved.loaded.text,
        protocol=protocol(resolved, tested),
        seed=resolved.recipe.seed,
        device=str(model.device),
        seconds=0.0,
        versions={**resolved.distributions, "torch": version("torch")},
        clusters=model.clusters,
        occupancy=assessment.occupancy,
        stages={stage.name: (stage.first + 1, stage.last) for stage in resolved.stages if stage.name},
        selection="The model is as its file holds it.",
        metrics=assessment.metrics,
        baselines=baselines,
        table=assessment.table,
        matching=assessment.matching,
        classes=tested.classes,
        readouts=score_readouts(model, trained_on, tested, found),
        chains=chains,
        confidence=found.confidence,
        variant=resolved.loaded.variant,
        warnings=(*([mismatch] if mismatch else []), *warnings, *chain_warnings(chains, unit)),
    )


def protocol(resolved: Resolved, tested: ImageSet) -> Protocol:
    """How the numbers of this recipe are measured."""
    recipe, trained = resolved.recipe, split_of(resolved.dataset)
    part = recipe.evaluate.split or trained
    images = "images" if resolved.prior.per_pixel else "samples"
    return Protocol(
        name=f"{recipe.data.use}-{trained}-{part}",
        data=f"{recipe.data.use} ({len(tested.source):,} {images})",
        train_split=trained,
        test_split=part,
        clusters=resolved.prior.clusters,
        nmi=nmi_average(resolved.metrics.values()),
        unit="pixels" if resolved.prior.per_pixel else "samples",
        prepared=str(tested.protocol) if tested.protocol else "",
        masked_by_labels=tested.valid is not None and tested.valid.reads_labels,
    )

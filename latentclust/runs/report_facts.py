"""Evaluation of a model on a data set, and the facts that its report is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from latentclust.assemble.remarks import recipe_remarks
from latentclust.assemble.resolve import Resolved
from latentclust.data.feature_bank import BankSource
from latentclust.errors import LatentclustError
from latentclust.evaluate.protocol import Protocol, nmi_average
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.recipe.schema import Recipe
from latentclust.report.facts import ChainFacts, PluginFacts, ReadoutScores, RunFacts
from latentclust.runs.alternative_readouts import chain_warnings, evaluate_chains, score_readouts
from latentclust.runs.baseline_scores import BaselineScores, score_baselines
from latentclust.runs.causes import find_causes
from latentclust.runs.dataset_scores import DatasetScores, label_mismatch, score_dataset
from latentclust.runs.label_free_scores import LabelFree, score_label_free
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import DatasetSpec, Spec
from latentclust.train.starts_file import StartsLog

VALUE = "{value}"
"""Stands for the magnitude of a loss in its `if_empty`."""


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A model with its scores on a data set.

    Attributes:
        model: Model.
        tested: Data set that was scored.
        scores: Scores of the model's own inference.
        baselines: Scores by baseline and metric. None without ground truth.
        readouts: Scores of the other inferences that the recipe lists, by name.
        chains: Facts about the chains of an inference that samples. None without chains.
        warnings: Warnings for the user, one sentence each.
        label_free: Scores without labels. None with ground truth.
    """

    model: ClusteringModel
    tested: ImageSet
    scores: DatasetScores
    baselines: BaselineScores | None
    readouts: Mapping[str, ReadoutScores]
    chains: ChainFacts | None
    warnings: tuple[str, ...]
    label_free: LabelFree | None = None


@dataclass(frozen=True, slots=True)
class RunContext:
    """The circumstances of a run or an evaluation.

    Attributes:
        device: Human-readable name of the device.
        seconds: Wall-clock time in seconds.
        selection: Text about how the weights were selected, with a full stop.
        history: Logged losses by round.
        diagnostics: Logged diagnostics of the chains by round.
        oracle: Best entry of the learning curve by labels. None without a learning curve.
        precision: Precision of the networks in training. Empty for an evaluation.
        starts: Scores of all starts. None for a training with a single one.
        warnings: Further warnings for the user, one sentence each.
    """

    device: str
    seconds: float
    selection: str
    history: Sequence[Mapping[str, float]] = ()
    diagnostics: Sequence[Mapping[str, float]] = ()
    oracle: Mapping[str, float] | None = None
    precision: str = ""
    starts: StartsLog | None = None
    warnings: tuple[str, ...] = ()


def test_split(resolved: Resolved, trained_on: ImageSet, roots: tuple[Path, ...]) -> ImageSet:
    """Return the samples that are scored: those of the data set's named protocol, or of `evaluate.split`.

    Raises:
        LatentclustError: If the recipe names a split of a data set that has none, or the split is missing.
    """
    protocol, split = resolved.dataset.split_protocol(), resolved.recipe.evaluate.split
    if protocol is not None:
        same = protocol.scored == protocol.trained
        return trained_on if same else resolved.dataset.open_scored(roots)
    if split is None or split == split_of(resolved.dataset):
        return trained_on
    if "split" not in type(resolved.dataset).model_fields:
        what = f"is {split!r}, but the data set {resolved.recipe.data.use!r} has no splits"
        raise LatentclustError.at("evaluate.split", what, "Remove it, or choose another data set")
    return resolved.dataset.model_copy(update={"split": split}).open(roots)


def split_of(dataset: DatasetSpec) -> str:
    """Return the samples that are trained on: those of a named protocol, else the split, or `all` without splits."""
    protocol = dataset.split_protocol()
    return str(protocol.trained) if protocol else str(dataset.model_dump().get("split", "all"))


def evaluate(model: ClusteringModel, trained_on: ImageSet, tested: ImageSet, phases: Phases = SILENT) -> EvaluatedModel:
    """Score a model, its other inferences and the baselines on a data set.

    Args:
        model: Trained model with fitted inference.
        trained_on: Data set that other inferences are fitted to.
        tested: Data set that is scored.
        phases: Tells the progress.
    """
    own = score_dataset(model, tested, phases, sample=True)
    baselines, failures = score_baselines(model, tested, own.clustering, phases)
    chains = evaluate_chains(model, tested, own, phases)
    readouts = score_readouts(model, trained_on, tested, own, phases)
    mismatch = label_mismatch(tested, model.per_pixel)
    unit = "pixels" if model.per_pixel else "images"
    untrained = recipe_remarks(model.resolved)
    scored = own.clustering.table is not None or not own.clustering.occupancy.any()
    label_free = None if scored else score_label_free(model, tested, own.posterior, phases)
    failures += label_free.warnings if label_free else ()
    warnings = (*untrained, *([mismatch] if mismatch else []), *failures, *chain_warnings(chains, unit, tested.notes))
    return EvaluatedModel(model, tested, own, baselines, readouts, chains, warnings, label_free)


def report_facts(evaluated: EvaluatedModel, context: RunContext, protocol: Protocol | None = None) -> RunFacts:
    """Return the facts of a run or an evaluation. The protocol defaults to `recipe_protocol`."""
    model, scores = evaluated.model, evaluated.scores.clustering
    resolved = model.resolved
    bank = evaluated.tested.features
    causes = find_causes(resolved, context.history, evaluated.scores.confidence)
    return RunFacts(
        recipe=resolved.recipe.name,
        recipe_text=resolved.loaded.text,
        protocol=protocol or recipe_protocol(resolved, evaluated.tested),
        seed=resolved.recipe.seed,
        device=context.device,
        seconds=context.seconds,
        versions={**resolved.distributions, "torch": version("torch")},
        clusters=model.clusters,
        names=model.names,
        naming=model.naming,
        occupancy=scores.occupancy,
        stages={stage.name: (stage.first + 1, stage.last) for stage in resolved.stages if stage.name},
        selection=context.selection,
        metrics=scores.metrics,
        baselines=evaluated.baselines,
        table=scores.table,
        matching=scores.matching,
        classes=evaluated.tested.classes,
        history=context.history,
        readouts=evaluated.readouts,
        chains=evaluated.chains,
        confidence=evaluated.scores.confidence,
        diagnostics=context.diagnostics,
        variant=variant_of(resolved),
        oracle=context.oracle,
        starts=context.starts,
        warnings=(
            *resolved.loaded.layered.dropped.values(),
            *evaluated.tested.notes,
            *evaluated.warnings,
            *context.warnings,
        ),
        by_cluster=evaluated.scores.by_cluster,
        trial=resolved.recipe.train.trial,
        trained=bool(resolved.recipe.losses),
        advice=loss_advice(resolved.recipe, context.history),
        causes=causes.sentences,
        at_chance=causes.at_chance,
        label_free=evaluated.label_free.scores if evaluated.label_free else None,
        precision=context.precision,
        weights=origins_of_weights(resolved),
        features_seconds=bank.header.seconds if isinstance(bank, BankSource) else None,
        plugins=tuple(
            PluginFacts(one.plugin.name, one.plugin.sha256, one.parts, one.plugin.copy) for one in resolved.plugins
        ),
    )


def variant_of(resolved: Resolved) -> str:
    """Return the hash of a recipe without its seed, and of the sources of its given plugins."""
    sources = [one.plugin.sha256 for one in resolved.plugins]
    if not sources:
        return resolved.loaded.variant
    return sha256("\n".join([resolved.loaded.variant, *sources]).encode()).hexdigest()[: len(resolved.loaded.variant)]


def origins_of_weights(resolved: Resolved) -> tuple[str, ...]:
    """Return the pretrained weights that the parts of a recipe read, each once, with what reads them."""
    views = {f"views.{name}": step for name, steps in resolved.views.items() for step in steps}
    parts: dict[str, Spec] = {
        **({"features": resolved.features} if resolved.features else {}),
        **{f"networks.{name}": spec for name, spec in resolved.backbones.items()},
        **{f"data.preprocess.{position}": step for position, step in enumerate(resolved.preprocess)},
        **views,
        **{f"stages.{stage.name}.start": stage.start for stage in resolved.stages if stage.start},
        **{f"the baseline {name}": spec for name, spec in resolved.baselines.items()},
    }
    return tuple(f"{origin} ({place})" for place, spec in parts.items() if (origin := spec.weights_origin()))


def loss_advice(recipe: Recipe, history: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """Return the `if_empty` of each enabled loss, with the magnitude of its last mean for `{value}`.

    A text with `{value}` is left out if the loss is not in the last line of the log.
    """
    last = history[-1] if history else {}
    advice = []
    for name, table in recipe.losses.items():
        needs_value = VALUE in table.if_empty
        if table.enabled and table.if_empty and (name in last or not needs_value):
            advice.append(table.if_empty.replace(VALUE, f"{abs(last.get(name, 0.0)):.2g}"))
    return tuple(advice)


def recipe_protocol(resolved: Resolved, tested: ImageSet) -> Protocol:
    """Return the protocol by which a recipe's scores are measured."""
    recipe, named, trained = resolved.recipe, resolved.dataset.split_protocol(), split_of(resolved.dataset)
    part = str(named.scored) if named else recipe.evaluate.split or trained
    images = "images" if resolved.prior.per_pixel else "samples"
    return Protocol(
        name=named.name if named else f"{recipe.data.use}-{trained}-{part}",
        data=f"{recipe.data.use} ({len(tested.source):,} {images})",
        train_split=trained,
        test_split=part,
        clusters=resolved.prior.clusters,
        nmi=nmi_average(resolved.metrics.values()),
        unit="pixels" if resolved.prior.per_pixel else "samples",
        prepared=str(tested.protocol) if tested.protocol else "",
        masked_by_labels=tested.valid is not None and tested.valid.reads_labels,
    )

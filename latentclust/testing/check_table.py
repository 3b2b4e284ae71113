"""The checks that a part must pass, by its kind and base classes."""

from collections.abc import Callable, Mapping

from latentclust.assemble.step_plan import has_after_step
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Part
from latentclust.specs.backbones import CentroidsSpec, DecoderSpec, ExtractorSpec, LayeredDecoderSpec, MapExtractorSpec
from latentclust.specs.evaluation import BaselineSpec, MapBaselineSpec
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import Spec
from latentclust.specs.views import DeviceViewSpec, FittedViewSpec, HostViewSpec, MovingViewSpec
from latentclust.testing import (
    backbone_checks,
    centroid_checks,
    chain_checks,
    command_checks,
    dataset_checks,
    docstring_checks,
    inference_checks,
    loss_checks,
    map_backbone_checks,
    metric_checks,
    option_checks,
    prior_checks,
    quantity_checks,
    sample_table_checks,
    system_checks,
    view_checks,
)
from latentclust.testing.subject import CheckedPart, NotApplicable

Check = Callable[[CheckedPart], None]
"""A function that raises CheckFailed if the part violates it. Users see its name and docstring."""

COMMON_CHECKS: tuple[Check, ...] = (docstring_checks.has_a_valid_name,)

SPEC_CHECKS: tuple[Check, ...] = (
    docstring_checks.has_a_summary,
    option_checks.types_every_option,
    option_checks.documents_every_option,
    option_checks.has_no_reserved_option_names,
    option_checks.round_trips_through_a_recipe,
    option_checks.rejects_unknown_keys,
    option_checks.rejects_numbers_as_text,
    option_checks.cannot_be_changed,
    option_checks.can_be_sent_to_workers,
)
"""Checks of every part with options."""

FULL_DATASET_CHECKS: tuple[Check, ...] = (
    sample_table_checks.declares_the_networks_it_reads,
    sample_table_checks.is_deterministic_for_a_generator,
    sample_table_checks.does_not_change_weights,
)
"""Checks of parts that are computed from all training samples."""

RECIPE_CHECKS: tuple[Check, ...] = (
    system_checks.reads_no_label_in_training,
    system_checks.round_trips_through_a_recipe,
    system_checks.draws_its_graph,
)
"""Checks of base recipes and complete ones."""

KIND_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "backbone": (backbone_checks.can_play_a_role,),
    "prior": (
        prior_checks.draws_latents_of_its_shape,
        prior_checks.has_one_hot_categories,
        prior_checks.is_deterministic_for_a_generator,
        prior_checks.draws_independently,
        prior_checks.rejects_fewer_than_two_clusters,
    ),
    "loss": (
        docstring_checks.names_its_source,
        loss_checks.binds_by_its_parameters,
        loss_checks.is_a_finite_scalar,
        loss_checks.trains_only_its_player,
        loss_checks.runs_in_bf16,
        loss_checks.depends_only_on_its_arguments,
    ),
    "quantity": (
        docstring_checks.has_a_summary,
        quantity_checks.binds_by_its_parameters,
        quantity_checks.matches_its_return_type,
        quantity_checks.runs_in_bf16,
        quantity_checks.is_deterministic_for_a_generator,
    ),
    "view": (view_checks.runs_in_one_place,),
    "inference": (
        docstring_checks.names_its_source,
        inference_checks.declares_the_networks_it_reads,
        inference_checks.gives_normalised_probabilities,
        inference_checks.is_deterministic_for_a_generator,
        inference_checks.declares_whether_it_draws,
        inference_checks.does_not_change_weights,
        inference_checks.round_trips_through_a_model_file,
        inference_checks.ignores_invalid_pixels,
    ),
    "dataset": (
        dataset_checks.describes_its_data,
        dataset_checks.says_how_to_get_the_data,
        dataset_checks.holds_samples,
        dataset_checks.opens_the_same_twice,
        dataset_checks.is_read_by_workers,
    ),
    "metric": (metric_checks.is_a_number, metric_checks.ignores_cluster_numbering),
    "baseline": (),
    "table": (sample_table_checks.has_one_row_per_sample, *FULL_DATASET_CHECKS),
    "start": (sample_table_checks.gives_weights_of_networks, *FULL_DATASET_CHECKS),
    "command": (command_checks.has_a_help_line, command_checks.prints_its_help),
    "system": (system_checks.resolves_with_any_data_set, *RECIPE_CHECKS),
    "recipe": (system_checks.resolves_with_its_data_set, *RECIPE_CHECKS),
}

BACKBONE_CHECKS: tuple[Check, ...] = (
    backbone_checks.runs_in_bf16,
    backbone_checks.round_trips_through_a_checkpoint,
    backbone_checks.initial_weights_depend_only_on_the_seed,
)
"""Checks of a backbone that is an extractor, a decoder or both."""

MAP_BACKBONE_CHECKS: tuple[Check, ...] = (
    map_backbone_checks.rejects_invalid_images,
    map_backbone_checks.runs_in_bf16,
    map_backbone_checks.round_trips_through_a_checkpoint,
    map_backbone_checks.initial_weights_depend_only_on_the_seed,
)

BASE_CLASS_CHECKS: tuple[tuple[type[Spec], tuple[Check, ...]], ...] = (
    (
        ExtractorSpec,
        (backbone_checks.reads_samples, backbone_checks.output_does_not_depend_on_the_batch, *BACKBONE_CHECKS),
    ),
    (DecoderSpec, (backbone_checks.draws_images, *BACKBONE_CHECKS)),
    (
        MapExtractorSpec,
        (
            map_backbone_checks.reads_every_pixel,
            map_backbone_checks.output_does_not_depend_on_the_batch,
            *MAP_BACKBONE_CHECKS,
        ),
    ),
    (
        CentroidsSpec,
        (
            centroid_checks.compares_features,
            centroid_checks.output_does_not_depend_on_the_batch,
            centroid_checks.runs_in_bf16,
            centroid_checks.round_trips_through_a_checkpoint,
            centroid_checks.initial_weights_depend_only_on_the_seed,
        ),
    ),
    (LayeredDecoderSpec, (map_backbone_checks.draws_one_layer_per_cluster, *MAP_BACKBONE_CHECKS)),
    (
        DeviceViewSpec,
        (
            view_checks.makes_images_of_its_shape,
            view_checks.is_deterministic_for_a_generator,
            view_checks.matches_its_random_flag,
            view_checks.matches_its_in_place_flag,
        ),
    ),
    (MovingViewSpec, (view_checks.returns_correct_alignment,)),
    (HostViewSpec, (view_checks.preserves_shape_and_type,)),
    (FittedViewSpec, (view_checks.fits_and_applies, view_checks.ignores_invalid_pixels)),
    (
        ChainSpec,
        (
            chain_checks.has_one_row_per_sample,
            chain_checks.provides_the_declared_quantities,
            chain_checks.advance_is_deterministic_for_a_generator,
            chain_checks.round_trips_through_a_checkpoint,
        ),
    ),
    (BaselineSpec, (metric_checks.labels_every_point, metric_checks.is_deterministic_for_a_seed)),
    (MapBaselineSpec, (metric_checks.labels_every_pixel, metric_checks.pixels_are_deterministic_for_a_seed)),
)
"""Base classes of parts, with the checks of each."""


def checks_of(part: Part) -> tuple[Check, ...]:
    """Return the checks of a part in the order of the report, without duplicates."""
    found = [*COMMON_CHECKS]
    if isinstance(part.value, type) and issubclass(part.value, Spec):
        found += SPEC_CHECKS
        found += [docstring_checks.has_a_valid_example] if docstring_checks.has_example(part.value) else []
    found += KIND_CHECKS.get(part.kind, ())
    if part.kind == "loss" and has_after_step(part.value):
        found.append(loss_checks.changes_networks_alone_after_a_step)
    if isinstance(part.value, type):
        found += [check for base, checks in BASE_CLASS_CHECKS if issubclass(part.value, base) for check in checks]
    return tuple(dict.fromkeys(found))


def ask(check: Check, subject: CheckedPart) -> None:
    """Run one check on a part.

    Raises:
        NotApplicable: If the check does not apply to the part, or the part needs an extra that is not installed.
        Exception: If the part fails the check.
    """
    try:
        check(subject)
    except LatentclustError as error:
        if "pip install" in str(error):
            raise NotApplicable(str(error)) from error
        raise


def name_of(check: Check) -> str:
    """Return the displayed name of a check: `runs-in-bf16` for `runs_in_bf16`."""
    return check.__name__.replace("_", "-")

"""Which checks a part must pass, by its kind and by what it can be."""

from collections.abc import Callable, Mapping

from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Part
from latentclust.specs.backbones import CentroidsSpec, DecoderSpec, ExtractorSpec, LayeredDecoderSpec, MapExtractorSpec
from latentclust.specs.inference import ChainSpec
from latentclust.specs.parts import (
    BaselineSpec,
    DeviceViewSpec,
    HostViewSpec,
    MapBaselineSpec,
    MovingViewSpec,
    Spec,
)
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
"""Raises Unfit where the part is not what it should be; named and explained by its name and docstring."""

OF_ALL: tuple[Check, ...] = (docstring_checks.has_a_name_of_a_recipe,)

OF_SPECS: tuple[Check, ...] = (
    docstring_checks.says_what_it_is,
    option_checks.types_every_option,
    option_checks.documents_every_option,
    option_checks.leaves_its_tables_keys_alone,
    option_checks.survives_a_recipe,
    option_checks.refuses_unknown_keys,
    option_checks.takes_no_text_for_a_number,
    option_checks.cannot_be_changed,
    option_checks.can_be_sent_to_workers,
)
"""Of every part with options."""

OF_THE_WHOLE_SET: tuple[Check, ...] = (
    sample_table_checks.names_the_networks_that_it_reads,
    sample_table_checks.is_decided_by_its_generator,
    sample_table_checks.moves_no_weight,
)
"""Of what is computed from all samples of the training set."""

OF_KINDS: Mapping[str, tuple[Check, ...]] = {
    "backbone": (backbone_checks.can_play_a_role,),
    "prior": (
        prior_checks.draws_latents_of_its_shape,
        prior_checks.has_one_hot_categories,
        prior_checks.is_decided_by_its_generator,
        prior_checks.draws_independently,
        prior_checks.refuses_fewer_than_two_clusters,
    ),
    "loss": (
        docstring_checks.names_its_source,
        loss_checks.binds_by_its_parameters,
        loss_checks.is_a_finite_scalar,
        loss_checks.moves_its_player_alone,
        loss_checks.survives_bf16,
        loss_checks.is_a_function_of_its_arguments,
    ),
    "quantity": (
        docstring_checks.says_what_it_is,
        quantity_checks.binds_by_its_parameters,
        quantity_checks.is_what_it_says,
        quantity_checks.survives_bf16,
        quantity_checks.draws_from_the_steps_generator,
    ),
    "view": (view_checks.runs_in_one_place,),
    "inference": (
        docstring_checks.names_its_source,
        inference_checks.reads_networks_that_it_names,
        inference_checks.gives_normalised_probabilities,
        inference_checks.is_decided_by_its_generator,
        inference_checks.moves_no_weight,
        inference_checks.survives_a_model_file,
    ),
    "dataset": (
        dataset_checks.says_what_it_holds,
        dataset_checks.says_what_to_get,
        dataset_checks.holds_samples,
        dataset_checks.opens_the_same_twice,
        dataset_checks.is_read_by_workers,
    ),
    "metric": (metric_checks.is_a_number, metric_checks.is_blind_to_numbers),
    "baseline": (),
    "table": (sample_table_checks.gives_a_row_a_sample, *OF_THE_WHOLE_SET),
    "start": (sample_table_checks.gives_weights_of_networks, *OF_THE_WHOLE_SET),
    "command": (command_checks.has_a_help_line, command_checks.prints_its_help),
    "system": (
        system_checks.lacks_nothing_but_data,
        system_checks.reads_no_label_in_training,
        system_checks.survives_a_recipe,
        system_checks.draws_its_graph,
    ),
}

OF_BODIES: tuple[Check, ...] = (
    backbone_checks.survives_bf16,
    backbone_checks.survives_a_checkpoint,
    backbone_checks.begins_as_the_seed_says,
)
"""Of a backbone that is an extractor or a decoder, or both."""

OF_MAP_BODIES: tuple[Check, ...] = (
    map_backbone_checks.refuses_what_is_no_image,
    map_backbone_checks.survives_bf16,
    map_backbone_checks.survives_a_checkpoint,
    map_backbone_checks.begins_as_the_seed_says,
)

OF_BASES: tuple[tuple[type[Spec], tuple[Check, ...]], ...] = (
    (ExtractorSpec, (backbone_checks.reads_samples, backbone_checks.reads_a_sample_alike_in_any_company, *OF_BODIES)),
    (DecoderSpec, (backbone_checks.draws_images, *OF_BODIES)),
    (
        MapExtractorSpec,
        (
            map_backbone_checks.reads_every_pixel,
            map_backbone_checks.reads_an_image_alike_in_any_company,
            *OF_MAP_BODIES,
        ),
    ),
    (
        CentroidsSpec,
        (
            centroid_checks.compares_features,
            centroid_checks.compares_places_alike_in_any_company,
            centroid_checks.survives_bf16,
            centroid_checks.survives_a_checkpoint,
            centroid_checks.begins_as_the_seed_says,
        ),
    ),
    (LayeredDecoderSpec, (map_backbone_checks.draws_a_layer_a_cluster, *OF_MAP_BODIES)),
    (
        DeviceViewSpec,
        (
            view_checks.makes_images_of_its_shape,
            view_checks.is_decided_by_its_generator,
            view_checks.draws_if_it_says_so,
            view_checks.keeps_pixels_in_place,
        ),
    ),
    (MovingViewSpec, (view_checks.says_where_pixels_come_from,)),
    (HostViewSpec, (view_checks.keeps_the_form_of_an_image,)),
    (
        ChainSpec,
        (
            chain_checks.keeps_a_row_a_sample,
            chain_checks.provides_what_it_says,
            chain_checks.advances_as_its_generator_says,
            chain_checks.survives_a_checkpoint,
        ),
    ),
    (BaselineSpec, (metric_checks.labels_every_point, metric_checks.is_decided_by_its_seed)),
    (MapBaselineSpec, (metric_checks.labels_every_pixel, metric_checks.pixels_are_decided_by_its_seed)),
)
"""What a part of a kind may be, and the checks of that."""


def checks_of(part: Part) -> tuple[Check, ...]:
    """The checks of a part, each once, in the order in which they are told."""
    found = [*OF_ALL]
    if isinstance(part.value, type) and issubclass(part.value, Spec):
        found += OF_SPECS
    found += OF_KINDS.get(part.kind, ())
    if isinstance(part.value, type):
        found += [check for base, checks in OF_BASES if issubclass(part.value, base) for check in checks]
    return tuple(dict.fromkeys(found))


def ask(check: Check, subject: CheckedPart) -> None:
    """Asks a part one check.

    Raises:
        Inapplicable: The check has nothing to say of the part, or the part needs an extra that is not installed.
        Exception: Whatever is wrong with it.
    """
    try:
        check(subject)
    except LatentclustError as error:
        if "pip install" in str(error):
            raise NotApplicable(str(error)) from error
        raise


def name_of(check: Check) -> str:
    """`survives_bf16` as `survives-bf16`."""
    return check.__name__.replace("_", "-")

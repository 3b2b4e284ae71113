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
    backbones,
    centroids,
    chains,
    commands,
    datasets,
    evaluation,
    inferences,
    losses,
    map_backbones,
    options,
    priors,
    quantities,
    systems,
    views,
    whole_set,
    words,
)
from latentclust.testing.subject import Inapplicable, Subject

Check = Callable[[Subject], None]
"""Raises Unfit where the part is not what it should be; named and explained by its name and docstring."""

OF_ALL: tuple[Check, ...] = (words.has_a_name_of_a_recipe,)

OF_SPECS: tuple[Check, ...] = (
    words.says_what_it_is,
    options.types_every_option,
    options.documents_every_option,
    options.leaves_its_tables_keys_alone,
    options.survives_a_recipe,
    options.refuses_unknown_keys,
    options.takes_no_text_for_a_number,
    options.cannot_be_changed,
    options.can_be_sent_to_workers,
)
"""Of every part with options."""

OF_THE_WHOLE_SET: tuple[Check, ...] = (
    whole_set.names_the_networks_that_it_reads,
    whole_set.is_decided_by_its_generator,
    whole_set.moves_no_weight,
)
"""Of what is computed from all samples of the training set."""

OF_KINDS: Mapping[str, tuple[Check, ...]] = {
    "backbone": (backbones.can_play_a_role,),
    "prior": (
        priors.draws_latents_of_its_shape,
        priors.has_one_hot_categories,
        priors.is_decided_by_its_generator,
        priors.draws_independently,
        priors.refuses_fewer_than_two_clusters,
    ),
    "loss": (
        words.names_its_source,
        losses.binds_by_its_parameters,
        losses.is_a_finite_scalar,
        losses.moves_its_player_alone,
        losses.survives_bf16,
        losses.is_a_function_of_its_arguments,
    ),
    "quantity": (
        words.says_what_it_is,
        quantities.binds_by_its_parameters,
        quantities.is_what_it_says,
        quantities.survives_bf16,
        quantities.draws_from_the_steps_generator,
    ),
    "view": (views.runs_in_one_place,),
    "inference": (
        words.names_its_source,
        inferences.reads_networks_that_it_names,
        inferences.gives_normalised_probabilities,
        inferences.is_decided_by_its_generator,
        inferences.moves_no_weight,
        inferences.survives_a_model_file,
    ),
    "dataset": (
        datasets.says_what_it_holds,
        datasets.says_what_to_get,
        datasets.holds_samples,
        datasets.opens_the_same_twice,
        datasets.is_read_by_workers,
    ),
    "metric": (evaluation.is_a_number, evaluation.is_blind_to_numbers),
    "baseline": (),
    "table": (whole_set.gives_a_row_a_sample, *OF_THE_WHOLE_SET),
    "start": (whole_set.gives_weights_of_networks, *OF_THE_WHOLE_SET),
    "command": (commands.has_a_help_line, commands.prints_its_help),
    "system": (
        systems.lacks_nothing_but_data,
        systems.reads_no_label_in_training,
        systems.survives_a_recipe,
        systems.draws_its_graph,
    ),
}

OF_BODIES: tuple[Check, ...] = (
    backbones.survives_bf16,
    backbones.survives_a_checkpoint,
    backbones.begins_as_the_seed_says,
)
"""Of a backbone that is an extractor or a decoder, or both."""

OF_MAP_BODIES: tuple[Check, ...] = (
    map_backbones.refuses_what_is_no_image,
    map_backbones.survives_bf16,
    map_backbones.survives_a_checkpoint,
    map_backbones.begins_as_the_seed_says,
)

OF_BASES: tuple[tuple[type[Spec], tuple[Check, ...]], ...] = (
    (ExtractorSpec, (backbones.reads_samples, backbones.reads_a_sample_alike_in_any_company, *OF_BODIES)),
    (DecoderSpec, (backbones.draws_images, *OF_BODIES)),
    (
        MapExtractorSpec,
        (map_backbones.reads_every_pixel, map_backbones.reads_an_image_alike_in_any_company, *OF_MAP_BODIES),
    ),
    (
        CentroidsSpec,
        (
            centroids.compares_features,
            centroids.compares_places_alike_in_any_company,
            centroids.survives_bf16,
            centroids.survives_a_checkpoint,
            centroids.begins_as_the_seed_says,
        ),
    ),
    (LayeredDecoderSpec, (map_backbones.draws_a_layer_a_cluster, *OF_MAP_BODIES)),
    (
        DeviceViewSpec,
        (
            views.makes_images_of_its_shape,
            views.is_decided_by_its_generator,
            views.draws_if_it_says_so,
            views.keeps_pixels_in_place,
        ),
    ),
    (MovingViewSpec, (views.says_where_pixels_come_from,)),
    (HostViewSpec, (views.keeps_the_form_of_an_image,)),
    (
        ChainSpec,
        (
            chains.keeps_a_row_a_sample,
            chains.provides_what_it_says,
            chains.advances_as_its_generator_says,
            chains.survives_a_checkpoint,
        ),
    ),
    (BaselineSpec, (evaluation.labels_every_point, evaluation.is_decided_by_its_seed)),
    (MapBaselineSpec, (evaluation.labels_every_pixel, evaluation.pixels_are_decided_by_its_seed)),
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


def ask(check: Check, subject: Subject) -> None:
    """Asks a part one check.

    Raises:
        Inapplicable: The check has nothing to say of the part, or the part needs an extra that is not installed.
        Exception: Whatever is wrong with it.
    """
    try:
        check(subject)
    except LatentclustError as error:
        if "pip install" in str(error):
            raise Inapplicable(str(error)) from error
        raise


def name_of(check: Check) -> str:
    """`survives_bf16` as `survives-bf16`."""
    return check.__name__.replace("_", "-")

"""`latentclust evaluate-generator`: scores of what a generative system draws and reconstructs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.shared_options import Device, Json, ModelPath, Plugins

if TYPE_CHECKING:
    from latentclust.model.model import ClusteringModel
    from latentclust.runs.feature_network import FeatureNetwork

NAMES = {
    "frechet_distance": "Fréchet distance to the data (FID)",
    "image_distance": "mean square of x - G(E(x))",
    "latent_distance": "mean square of z - E(G(z))",
    "category_recovery": "categories recovered from generated samples",
    "classifier_accuracy": "accuracy of the supervised classifier",
    "mode_accuracy": "mode accuracy",
    "modes": "classes that are the mode of a category",
    "reconstruction_accuracy": "reconstruction accuracy",
    "cluster_accuracy": "cluster accuracy (purity of the categories)",
}
"""Text of each score in the order that they are printed."""

Data = Annotated[str | None, typer.Option(metavar="NAME", help="Another data set with images of the same shape.")]
Samples = Annotated[int, typer.Option(min=2, help="Number of samples to generate.")]
Features = Annotated[
    str,
    typer.Option(metavar="MODEL", help="timm model of the Fréchet distance, `values` for none, or `off`."),
]
Weights = Annotated[
    str, typer.Option(metavar="SOURCE", help="Its weights: installed, hub, none or a .safetensors file.")
]
Size = Annotated[int, typer.Option(min=1, help="Side in pixels that images are resized to for it.")]


def evaluate_generator(  # noqa: PLR0913, PLR0917 (options)
    model: ModelPath,
    data: Data = None,
    samples: Samples = 10_000,
    features: Features = "tf_efficientnet_lite0",
    weights: Weights = "installed",
    size: Size = 64,
    plugins: Plugins = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Score what a generative system draws and reconstructs: FID, modes, reconstructions and cycles.

    The Fréchet distance compares generated samples with the data in the features of a network, which is
    named in the output: distances by other networks, sizes or numbers of samples cannot be compared.
    Vectors are compared by their values. With labels, a classifier that is trained on them judges the
    class of generated samples.

    Examples:
        latentclust evaluate-generator runs/digits-dls/20260101-120000-0
        latentclust evaluate-generator model.safetensors --features inception_v3 --weights hub --size 299
        latentclust evaluate-generator model.safetensors --features off --json
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_json

    with show_phases("loading the model") as phases:
        from latentclust.data.roots import data_roots
        from latentclust.runs.generator_scores import score_generator
        from latentclust.runs.reevaluate import open_evaluation, open_splits
        from latentclust.train.devices import first_device

        evaluation = open_evaluation(model, first_device(device), data)
        network = _network(evaluation.model, features, weights, size)
        phases.begin("opening the data")
        opened = open_splits(evaluation, data_roots())
        scores = score_generator(evaluation.model, *opened, network, samples, phases=phases)
    if json:
        print_json(scores.as_json())
    else:
        _show(scores.as_json())


def _network(model: "ClusteringModel", features: str, weights: str, size: int) -> "FeatureNetwork | None":
    """Return the network of the Fréchet distance, or None for `off`."""
    from latentclust.runs.feature_network import timm_features, values_themselves

    if features == "off":
        return None
    shape = model.preprocess.shape(model.raw_shape)
    if features == "values" or len(shape) == 1:
        return values_themselves()
    return timm_features(features, weights, size, shape, model.device)


def _show(scores: dict[str, Any]) -> None:
    from latentclust.cli.terminal import print_lines, stdout_console

    lines = [f"{scores['generated']:,} generated samples, {scores['images']:,} samples of the data set"]
    for key, name in NAMES.items():
        value = scores[key]
        if value is not None:
            by = f" by {scores['features']}" if key == "frechet_distance" else ""
            lines.append(f"{name}: {value:.4g}{by}")
    print_lines(stdout_console(), lines)

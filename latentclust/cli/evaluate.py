"""`latentclust evaluate`: the metrics of a saved model."""

from typing import Annotated

import typer

from latentclust.cli.options import Device, Json, ModelPath, Settings

Data = Annotated[str | None, typer.Option(metavar="NAME", help="Another data set, of images of the same shape.")]


def evaluate(
    model: ModelPath, data: Data = None, settings: Settings = None, device: Device = "auto", json: Json = False
) -> None:
    """Score a saved model beside the baselines, on its own data set or on another.

    With --set the tables data, inference and evaluate of its recipe can be changed.
    An inference other than the model's own is first fitted to the data set.

    Examples:
        latentclust evaluate runs/digits/20260101-120000-0
        latentclust evaluate model.safetensors --data usps --set data.size=28
        latentclust evaluate model.safetensors --set inference.use=kmeans-on-code
    """
    from latentclust.cli.terminal import results
    from latentclust.data.roots import data_roots
    from latentclust.report.console import print_results
    from latentclust.report.results import RunResult
    from latentclust.runs.readout import reopen, score
    from latentclust.train.devices import make_fabric

    facts = score(reopen(model, make_fabric(device, 1).device, data, settings or ()), data_roots())
    if json:
        print(RunResult.of(facts).model_dump_json(indent=2))
    else:
        print_results(results(), facts)

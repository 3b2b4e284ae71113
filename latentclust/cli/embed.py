"""`latentclust embed`: codes of images as a table, with neighbours, outliers and likely duplicates."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.predict import Images, Range, Resize, Seed, SkipBad
from latentclust.cli.shared_options import Device, ModelPath, Plugins

Out = Annotated[Path, typer.Option(metavar="FILE", help="A .parquet or .csv file. An existing file is replaced.")]


class What(StrEnum):
    """What the table holds of each image."""

    code = "code"
    features = "features"
    both = "both"


class By(StrEnum):
    """What neighbours are compared by."""

    auto = "auto"
    code = "code"
    features = "features"


Chosen = Annotated[What, typer.Option("--what", help="Codes, features of the network, or both.")]
Neighbours = Annotated[
    int,
    typer.Option(
        min=0, max=1000, help="Number of nearest neighbours, with outlier scores and likely duplicates. 0: none."
    ),
]
Compared = Annotated[
    By,
    typer.Option("--by", help="What neighbours are compared by. auto: codes if they have a style, else features."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue a table that was stopped.")]


def embed(  # noqa: PLR0913, PLR0917 (each parameter is an option)
    model: ModelPath,
    images: Images,
    out: Out,
    what: Chosen = What.code,
    neighbours: Neighbours = 0,
    by: Compared = By.auto,
    resume: Resume = False,
    resize: Resize = False,
    range_: Range = None,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    plugins: Plugins = None,
    device: Device = "auto",
) -> None:
    """Write the codes of images as a table, for as many images as the disk holds.

    FILE gets one row per image: path, index in that file (from 0), cluster (from 1), confidence, the
    name of the cluster if it has one, and the code: the cluster probabilities and the style. With
    --neighbours N also the rows of its nearest images (from 0) with their distances, outlier_score
    (1 is typical of the cluster) and duplicate_of (the first row of a group of likely duplicates).
    A stop leaves FILE.unfinished, from which --resume continues.

    Examples:
        latentclust embed runs/digits/20260101-120000-0 photos/ --out codes.parquet --resize
        latentclust embed model.safetensors scans.npy --out codes.csv --what both --neighbours 5
    """
    from latentclust.embed.table import check_table
    from latentclust.embed.work_folder import unfinished_path

    check_table(out)
    unfinished_path(out, resume)
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, stderr_console, stdout_console

    with show_phases("loading the model") as phases:
        from latentclust.embed.embed_images import EmbedOptions, embed_images
        from latentclust.embed.work_folder import content_digest
        from latentclust.infer.image_inputs import Reading, open_inputs
        from latentclust.model.codes import check_whole_images
        from latentclust.model.model_file import load
        from latentclust.networks.stored_model import model_file
        from latentclust.train.devices import first_device

        loaded = load(model, first_device(device))
        check_whole_images(loaded)
        trained = Reading.of(loaded.resolved.dataset)
        reading = replace(trained, resize=resize or trained.resize, range=range_ or trained.range, skip_bad=skip_bad)
        phases.begin("opening the images")
        inputs = open_inputs(images, loaded.raw_shape, reading)
        options = EmbedOptions(what=what.value, neighbours=neighbours, by=by.value, seed=seed)
        digest = content_digest(model_file(model), loaded.header) + repr(
            (reading.resize, reading.range, reading.ground)
        )
        done = embed_images(loaded, digest, inputs, out, options, resume=resume, phases=phases)
    for note in inputs.notes:
        stderr_console().print(f"warning: {note}", soft_wrap=True)
    if inputs.skipped:
        first = inputs.skipped[0]
        text = f"{len(inputs.skipped):,} files were left out, the first: {first.where}: {first.what}"
        stderr_console().print(text, soft_wrap=True)
    stdout_console().print(f"wrote {done.count:,} rows to {display_path(out)}", soft_wrap=True)
    if done.space is not None:
        found = "exact" if done.recall is None else f"{done.recall:.1%} of the exact ones, measured on a sample"
        text = f"neighbours by {done.space}: {found}; {done.duplicates:,} images have likely duplicates"
        stdout_console().print(text, soft_wrap=True)

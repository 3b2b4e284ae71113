"""`latentclust accuracy`: accuracy of a label raster, estimated from reference points or polygons."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json

Map = Annotated[Path, typer.Argument(metavar="MAP", help="Label raster of clusters or of classes.", show_default=False)]
Reference = Annotated[
    Path, typer.Argument(metavar="REFERENCE", help="Vector file of points or polygons.", show_default=False)
]
ClassField = Annotated[
    str, typer.Option(metavar="NAME", help="Attribute of REFERENCE with the classes.", show_default=False)
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.", show_default=False)]
Match = Annotated[
    bool,
    typer.Option("--match", help="Give each cluster the class of most of its samples. Accuracies are too high then."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that DIR contains.")]


def accuracy(
    map_: Map,
    reference: Reference,
    class_field: ClassField,
    out: Out,
    match: Match = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Estimate the accuracy of a map and the areas of its classes from reference samples.

    Points and polygons of REFERENCE are random samples; their classes are the names of clusters in MAP
    (`latentclust clusters name`). The strata are the classes of the map. Results are error matrices,
    user's, producer's and overall accuracy and areas with 95% confidence intervals, by the stratified
    estimators of Olofsson et al. 2014.

    Examples:
        latentclust accuracy labels/scene.tif points.gpkg --class-field landcover --out accuracy
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, print_json, stdout_console
    from latentclust.labelling.accuracy.accuracy_result import SUMMARY
    from latentclust.labelling.accuracy.accuracy_summary import accuracy_sentences, accuracy_tables
    from latentclust.labelling.accuracy.map_accuracy import assess_map

    with show_phases("comparing the map with the reference"):
        found = assess_map(map_, reference, class_field, out, match, overwrite)
    if json:
        print_json(found.as_json())
        return
    console = stdout_console()
    for line in accuracy_sentences(found):
        console.print(line, soft_wrap=True)
    for table in accuracy_tables(found):
        console.print(table)
    console.print(f"results in {display_path(out)}, summary in {display_path(out / SUMMARY)}", soft_wrap=True)

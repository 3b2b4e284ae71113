"""`latentclust export`: a saved model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import ModelPath, Plugins

Onnx = Annotated[Path, typer.Option("--onnx", metavar="FILE", help="An .onnx file. An existing file is replaced.")]


def export(model: ModelPath, onnx: Onnx, plugins: Plugins = None) -> None:
    """Write a saved model as an ONNX file, which other programs run without latentclust.

    The graph contains preprocessing, networks and inference. Its input is images as float32 in [0, 1],
    its outputs are cluster probabilities, labels (from 0) and, of whole images, the code. The file is
    written only if onnxruntime computes the labels of the model. An inference that draws random
    numbers cannot be exported.

    Example:
        latentclust export runs/digits/20260101-120000-0 --onnx digits.onnx
    """
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, stderr_console, stdout_console
    from latentclust.model.onnx_requirements import check_onnx

    check_onnx(onnx)
    with show_phases("loading the model") as phases:
        from latentclust.model.model_file import load
        from latentclust.model.onnx_export import export_onnx

        written = export_onnx(load(model), onnx, phases)
    if written.largest_difference is None or written.clusters_compared is None:
        text = "warning: the file was not compared with the model: install onnxruntime to have it checked"
        stderr_console().print(text, soft_wrap=True)
        compared = ""
    else:
        images = f"random images of {written.clusters_compared} cluster{'' if written.clusters_compared == 1 else 's'}"
        difference = f"{written.largest_difference:.1e} on {images}"
        compared = f", whose probabilities differ from the model's by at most {difference}"
    stdout_console().print(f"wrote {display_path(onnx)}{compared}", soft_wrap=True)

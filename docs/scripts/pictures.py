"""Write the pictures of README.md and the tutorials: `python docs/scripts/pictures.py`.

They are figures of two runs, made smaller:

    latentclust run digits --out runs/digits
    latentclust run rmnp --out runs/rmnp
"""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]

PICTURES = {
    "digits.png": ("runs/digits/figures/samples.png", 720, 16),
    "rmnp.png": ("runs/rmnp/figures/scene.png", 780, 96),
}
"""The figure that each picture is made of, its width in pixels and its number of colours."""


def write(name: str, root: Path = ROOT) -> Path:
    """Write a picture into docs/images and return its path."""
    source, width, colours = PICTURES[name]
    image = Image.open(root / source).convert("RGB")
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    path = ROOT / "docs" / "images" / name
    image.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


if __name__ == "__main__":
    for picture in PICTURES:
        write(picture)

"""Makes the files beside it, with the code of the commit that README.md names; see there for the command."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine
from safetensors import safe_open

DATA = Path(__file__).parent
TESTS = DATA.parents[1]

FOLDER = "@FOLDER@"
"""Stands for the folder in which the files were made."""

MOMENT = 1_600_000_000_000_000_000
"""When every scene was changed last, in nanoseconds; labelling.json records it."""

COLOURS = np.array([(40, 60, 90), (60, 120, 50), (200, 190, 150), (150, 70, 60)])
SCENES = {"first": (60, 64), "second": (120, 80), "third": (40, 40)}
PATHS = [f"scenes/{name}.tif" for name in SCENES]

WINDOWS = ["--tile", "8", "--overlap", "4", "--batch", "32", "--confidence", "--device", "cpu", "--json"]
EXTRAS = ["--classes", "--vector", "--min-area", "0", "--stac", "--datetime", "2020-06-01T12:00:00Z"]
COMMANDS = {
    "labels": ["label", "runs/pixels", *PATHS, "--out", "labels", *WINDOWS],
    "products": ["label", "runs/pixels", PATHS[0], "--out", "products", *WINDOWS, *EXTRAS],
}
"""The label commands, run in the folder; the first was interrupted."""

SHAPES = {
    "cifar10": (3, 32, 32),
    "coco-stuff": (3, 128, 128),
    "coil20": (1, 32, 32),
    "digits": (1, 8, 8),
    "dubai": (3, 200, 200),
    "facades": (3, 128, 128),
    "fashion-mnist": (1, 28, 28),
    "mnist": (1, 28, 28),
    "pendigits": (16,),
    "potsdam": (4, 200, 200),
    "raster": (3, 64, 64),
    "stl10": (3, 96, 96),
    "svhn": (3, 32, 32),
    "usps": (1, 16, 16),
}
"""Of one stored image of each set of the shipped recipes."""

LARGEST = 50_000_000
"""Values of the largest model that is tested: stl10-cgm, whose parts others have too, has three times as many."""

OTHER_BACKBONES = {
    "conv32": {
        "extends": "clustergan@1",
        "data": {"use": "cifar10"},
        "networks": {role: {"use": "conv32"} for role in ("encoder", "generator", "critic")},
    },
    "timm": {
        "extends": "clustergan@1",
        "data": {"use": "cifar10"},
        "networks": {"encoder": {"use": "timm", "model": "test_resnet", "hidden": [16]}},
    },
    "unet": {
        "extends": "cvae-pixel@1",
        "data": {"use": "facades"},
        "networks": {"encoder": {"use": "unet", "log_variance": True}},
    },
}
"""Recipes with the backbones that no shipped recipe has."""


class Stopper:
    """Sends this process a signal once a round is logged, or so many windows of a scene are labelled."""

    def __init__(self, at: int, number: signal.Signals) -> None:
        self.at, self.number, self.windows = at, number, 0

    def logged(self, record: Any) -> None:
        if record.round == self.at:
            os.kill(os.getpid(), self.number)

    def scene_begun(self, name: str, windows: int) -> None:
        self.windows = 0

    def windows_done(self, count: int, pixels: int) -> None:
        self.windows += count
        if self.windows >= self.at:
            os.kill(os.getpid(), self.number)

    def begun(self, first: int, second: int) -> None:
        """Nothing: training begins at a round of so many, labelling with scenes and those that are kept."""

    def scene_ended(self, outcome: Any) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""


def make() -> None:
    """Makes everything in a temporary folder and copies it beside this file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        lay_parts(folder / "site")
        shutil.copytree(DATA / "recipes", folder / "recipes")
        write_scenes()
        expected = {**make_runs(), **make_labels()}
        np.savez_compressed(folder / "expected.npz", **expected)
        (folder / "commands.json").write_text(json.dumps(COMMANDS, indent=2) + "\n")
        write_models(folder / "models.json.gz")
        for item in ("scenes", "runs", "labels", "products", "expected.npz", "commands.json", "models.json.gz"):
            put(folder / item, folder)


def lay_parts(site: Path) -> None:
    """Installs the tables and the start that recipes/stages.toml names, for this process and those it starts."""
    source = TESTS / "train" / "whole_set_parts.py"
    info = site / "latentclust_whole_set-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: latentclust-whole-set\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[latentclust]\nparts = latentclust_whole_set\n")
    shutil.copy(source, site / "latentclust_whole_set.py")
    os.environ["PYTHONPATH"] = os.pathsep.join((str(site), os.environ["PYTHONPATH"]))
    sys.path.insert(0, str(site))


def write_scenes() -> None:
    """Blocks of four colours with a little noise; `second` has a corner without data."""
    Path("scenes").mkdir()
    for seed, (name, (height, width)) in enumerate(SCENES.items()):
        rng = np.random.default_rng(seed)
        blocks = blown_up(rng.integers(0, len(COLOURS), (-(-height // 10), -(-width // 10))), 10)
        noise = blown_up(rng.integers(-4, 5, (-(-height // 5), -(-width // 5))), 5)
        values = COLOURS[blocks[:height, :width]] + noise[:height, :width, None]
        values = values.astype(np.uint8).transpose(2, 0, 1)
        if name == "second":
            values[:, :20, :20] = 0
        path = Path(f"scenes/{name}.tif")
        shape = {"count": len(values), "height": height, "width": width, "dtype": values.dtype}
        place = {"crs": "EPSG:32613", "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000), "nodata": 0}
        with rasterio.open(path, "w", driver="GTiff", compress="deflate", interleave="band", **shape, **place) as file:
            file.write(values)
        os.utime(path, ns=(MOMENT, MOMENT))


def blown_up(values: NDArray[Any], times: int) -> NDArray[Any]:
    """Each value as a square of so many pixels."""
    return values.repeat(times, axis=0).repeat(times, axis=1)


def make_runs() -> dict[str, NDArray[Any]]:
    """The runs, and what the same runs come to where nothing stops them."""
    import latentclust

    latentclust_("run", "recipes/vectors.toml", "--seeds", "2", "--out", "runs/vectors", "--device", "cpu")
    latentclust_("run", "recipes/pixels.toml", "--out", "runs/pixels", "--device", "cpu")
    latentclust_("clusters", "name", "runs/pixels", "1=water", "2=forest", "--colour", "water=#2b6cb0")
    interrupted("chains", 35, signal.SIGKILL)
    with Path("runs/chains/metrics.jsonl").open("a") as file:
        file.write('{"round": 36, "los')  # what a kill in the midst of a write leaves
    interrupted("stages", 35, signal.SIGINT)
    interrupted("maps", 25, signal.SIGTERM)
    expected = {}
    for name in ("chains", "stages", "maps"):
        run = latentclust.run(Path(f"recipes/{name}.toml"), out=f"whole/{name}", device="cpu")
        if name != "maps":
            table = np.genfromtxt(run.folder / "assignments.csv", delimiter=",", names=True)
            expected |= {f"{name}/{column}": table[column] for column in ("cluster", "confidence")}
        last = json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[-1])
        expected[f"{name}/losses"] = np.array([last["losses"][key] for key in sorted(last["losses"])])
    vectors = synthetic()
    expected["vectors"] = vectors
    expected["vectors/labels"] = latentclust.load("runs/vectors/seed-3").predict(vectors).labels.numpy()
    for name, folder in {"pixels": "runs/pixels", "maps": "whole/maps"}.items():
        with rasterio.open("scenes/third.tif") as file:
            image = file.read()[None]
        posterior = latentclust.load(folder).predict(image)
        expected[f"{name}/labels"] = posterior.labels.numpy().astype(np.uint8)
        expected[f"{name}/confidence"] = posterior.confidence.numpy().astype(np.float16)
    return expected


def former(name: str) -> Any:
    """A module of the package by the name that it has in that commit."""
    return import_module(f"latentclust.{name}")


def synthetic() -> NDArray[np.float16]:
    """The vectors that recipes/vectors.toml is trained on, with fewer digits."""
    synthetic_set = former("bundled.datasets.synthetic").Synthetic(per_cluster=10, half_side=4.0, deviation=0.1)
    return synthetic_set.open(()).source.read(np.arange(40)).astype(np.float16)


def interrupted(name: str, at: int, number: signal.Signals) -> None:
    """A run that a signal reaches after a round."""
    script = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(DATA)!r})
        from make import Stopper
        import latentclust
        listener = Stopper({at}, {int(number)})
        latentclust.run(Path("recipes/{name}.toml"), out="runs/{name}", device="cpu", listener=listener)
    """
    ended = subprocess.run([sys.executable, "-c", dedented(script)], check=False)
    assert ended.returncode != 0
    assert Path(f"runs/{name}/checkpoint.safetensors").exists()
    assert not Path(f"runs/{name}/model.safetensors").exists()


def dedented(script: str) -> str:
    """A script without the indentation of its lines."""
    return "\n".join(line.strip() for line in script.splitlines())


def make_labels() -> dict[str, NDArray[Any]]:
    """Label folders, and the rasters and windows that the first of them comes to.

    Of the three scenes the first is finished, the third is absent and fails, and a signal stops the second after its
    first strip.
    """
    whole = [word if word != "labels" else "whole/labels" for word in COMMANDS["labels"]]
    latentclust_(*whole)
    latentclust_(*COMMANDS["products"])
    Path(PATHS[2]).rename("absent.tif")
    script = f"""
        import sys
        sys.path.insert(0, {str(DATA)!r})
        from make import Stopper
        import latentclust
        scenes = {[PATHS[0], PATHS[2], PATHS[1]]}
        windows = dict(tile=8, overlap=4, batch=32, confidence=True)
        watcher = Stopper(300, {int(signal.SIGINT)})
        latentclust.label("runs/pixels", scenes, "labels", device="cpu", watcher=watcher, **windows)
    """
    subprocess.run([sys.executable, "-c", dedented(script)], check=False)
    Path("absent.tif").rename(PATHS[2])
    account = json.loads(Path("labels/labelling.json").read_text())
    found = {scene["output"]: scene["status"] for scene in account["scenes"]}
    assert found == {"first.tif": "done", "third.tif": "failed", "second.tif": "started"}
    [partial] = Path("labels/.partial").iterdir()
    assert [path.name for path in partial.iterdir()] == ["strip-00000"]
    shutil.copytree("labels", "whole/resumed")
    resumed = [word if word != "labels" else "whole/resumed" for word in COMMANDS["labels"]]
    windows = json.loads(latentclust_(*resumed))["windows"]
    partial.rename(partial.with_name("KEY"))
    return {**dict(rasters()), "labels/windows": np.array(windows)}


def rasters() -> Iterator[tuple[str, NDArray[Any]]]:
    """Labels and confidence of every scene, which a run that nothing stopped and one that was stopped give alike."""
    for path in sorted(Path("whole/labels").glob("*.tif")):
        with rasterio.open(path) as file, rasterio.open(Path("whole/resumed") / path.name) as other:
            values = file.read(1)
            assert np.array_equal(values, other.read(1)), path
        yield f"labels/{path.stem}", values


def latentclust_(*words: str) -> str:
    """Runs the command line and returns what it prints."""
    command = [sys.executable, "-m", "latentclust", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def write_models(target: Path) -> None:
    """Header and tensor names, types and shapes of an untrained model of every shipped recipe, system and backbone."""
    systems = [part.name for part in former("registry").installed().parts("system")]
    recipes: dict[str, Any] = {name: name for name in former("recipe.load").shipped_recipes()}
    data = {name: "facades" if "pixel" in name else "mnist" for name in systems}
    recipes |= {name: {"extends": name, "data": {"use": use}} for name, use in data.items()}
    recipes |= OTHER_BACKBONES
    outlines = {name: model_outline(recipe) for name, recipe in recipes.items()}
    found = {name: outline for name, outline in outlines.items() if values_in(outline) <= LARGEST}
    target.write_bytes(gzip.compress(json.dumps(found, sort_keys=True).encode(), mtime=0))


def values_in(outline: dict[str, Any]) -> int:
    """How many values the tensors of a model have."""
    return sum(prod(shape) for _, shape in outline["tensors"].values())


def model_outline(recipe: Any) -> dict[str, Any]:
    """What the model file of a recipe holds, but for the values of its tensors."""
    registry, models = former("registry").installed(), former("model")
    loaded = former("recipe.load").load_recipe(recipe, registry)
    resolved = former("assemble.resolve").resolve(loaded, registry)
    shape = SHAPES[resolved.recipe.data.use]
    bare = replace(resolved, backbones={name: part.bare() for name, part in resolved.backbones.items()})
    seen = former("assemble.experiment").Preprocess(resolved.preprocess).shape(shape)
    networks = former("assemble.build").build_networks(bare, seen)
    models.save_model(Path("outline.safetensors"), models.ClusteringModel(resolved, shape, networks, {}))
    with safe_open("outline.safetensors", framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        tensors = {name: [part.get_dtype(), part.get_shape()] for name, part in slices.items()}
        return {"header": json.loads(file.metadata()["latentclust"]), "tensors": tensors}


def put(made: Path, folder: Path) -> None:
    """Copies what was made beside this file, without figures, and with `FOLDER` for the temporary folder."""
    target = DATA / made.name
    if made.is_file():
        shutil.copyfile(made, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(path for path in made.rglob("*") if path.is_file() and "figures" not in path.parts):
        place = target / path.relative_to(made)
        place.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        if path.suffix in (".json", ".jsonl", ".md", ".toml"):
            content = content.replace(str(folder).encode(), FOLDER.encode())
        assert str(folder).encode() not in content, path
        if path.suffix == ".gpkg":
            place, content = place.with_name(f"{place.name}.gz"), gzip.compress(content, mtime=0)
        place.write_bytes(content)
    (DATA / "runs/vectors/seed-4/checkpoint.safetensors").unlink(missing_ok=True)


if __name__ == "__main__":
    make()

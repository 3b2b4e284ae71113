"""Options of labelling that are refused before anything is opened or written."""

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import typer

import latentclust
from latentclust.cli.app import app
from latentclust.errors import LatentclustError
from latentclust.labelling.label_options import LabelOptions, LabelOptionValues, merge_options
from latentclust.model.model import ClusteringModel
from tests.labelling.planted import noise_scene, write_scene


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "--seed: must be at least 0, got -1"),
        ({"batch": 0}, "--batch: must be at least 1, got 0"),
        ({"workers": 0}, "--workers: must be at least 1, got 0"),
        ({"vector": True, "min_area": 1.0, "max_polygons": 0}, "--max-polygons: must be at least 1, got 0"),
        ({"bbox_crs": "EPSG:4326"}, "--bbox-crs: 'EPSG:4326' requires --bbox"),
        (
            {"bbox": (0.0, 0.0, 1.0, 1.0), "geometry": "a.geojson"},
            "--bbox, --geometry: exclude each other",
        ),
        ({"workers": 1, "scheduler": "tcp://a:1"}, r"--workers, --scheduler: exclude each other \(1 and tcp://a:1\)"),
        ({"datetime": "2020-01-01"}, "--datetime: '2020-01-01' requires --stac"),
        ({"vector": True}, "--vector: requires --min-area or --sieve"),
        ({"simplify": 3.0}, "--simplify: 3.0 requires --vector"),
        ({"sieve": 0.0}, "--sieve: must be greater than 0, got 0.0"),
        ({"sieve": float("nan")}, "--sieve: must be .*, got nan"),
        ({"vector": True}, "--vector: requires --min-area"),
        ({"mask_values": (3,)}, r"--mask-values: \(3,\) requires --mask"),
        ({"mask": "band:SCL"}, "--mask: 'band:SCL' has no values that are masked"),
        ({"mask": "absent.tif", "mask_values": (3,)}, "--mask: no file absent.tif"),
        ({"min_area": 3.0}, "--min-area: 3.0 requires --vector"),
        ({"blend": "foo"}, "--blend: must be 'hann' or 'crop', got 'foo'"),
        (
            {"bbox": (0.0, 0.0, 1.0)},
            r"--bbox: expected 4 values, got 3: \(0.0, 0.0, 1.0\). Give west, south, east and north",
        ),
        ({"max_memory": "2 parsecs"}, "--max-memory: '2 parsecs' is not a size"),
        ({"max_memory": 1.5}, "--max-memory: must be a valid integer, got 1.5"),
        ({"confidence": "yes"}, "--confidence: must be a valid boolean, got 'yes'"),
        ({"bands": "B04"}, "--bands: must be a valid tuple, got 'B04'"),
        ({"confidnce": True}, "label: 'confidnce' is not an option. Did you mean 'confidence'"),
        ({"max_polygons": 3}, "--max-polygons: 3 requires --vector"),
    ],
)
def test_it_is_refused(planted: ClusteringModel, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(LatentclustError, match=words):
        latentclust.label(planted, tmp_path / "none.tif", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_all_invalid_options_are_listed() -> None:
    with pytest.raises(LatentclustError) as caught:
        LabelOptions.model_validate({"tile": "large", "blend": "foo", "colour": 1})
    assert [issue.where for issue in caught.value.issues] == ["--tile", "--blend", "label"]


def test_keywords_change_options_and_options_can_be_given_alone(planted: ClusteringModel, tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "scene.tif", noise_scene(80, 90))
    options = LabelOptions(tile=32, confidence=True, bands=())
    latentclust.label(planted, scene, tmp_path / "out", options, seed=np.int64(5), confidence=False)
    logged = json.loads((tmp_path / "out" / "labelling.json").read_text())["options"]
    assert (logged["tile"], logged["seed"], logged["rasters"]) == ([32, 32], 5, ["labels"])
    assert (options.seed, options.confidence) == (0, True)
    with pytest.raises(LatentclustError, match="options: must be LabelOptions, got dict"):
        merge_options({"seed": 1}, {})


def test_python_the_command_have_the_same_options() -> None:
    names = set(LabelOptions.model_fields)
    assert set(get_type_hints(LabelOptionValues)) == names
    assert all(field.description for field in LabelOptions.model_fields.values())
    group: Any = typer.main.get_command(app)
    command = group.commands["label"]
    parameters = {each.name: each for each in command.get_params(typer.Context(command))}
    assert parameters.keys() - {"help"} == names | {"model", "scenes", "out", "plugins", "json"}
    for name, field in LabelOptions.model_fields.items():
        assert parameters[name].default == (field.default if field.default != () else None)


def test_documentation_names_no_other_option() -> None:
    page = Path("docs/how-to/label-scenes.md").read_text(encoding="utf-8")
    commands = re.findall(r"^latentclust label .*$", page, re.MULTILINE)
    used = {option for command in commands for option in re.findall(r"--([a-z-]+)", command)}
    assert len(used) > 5
    assert used <= {name.replace("_", "-") for name in LabelOptions.model_fields} | {"out", "json", "debug"}

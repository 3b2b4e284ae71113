"""Similar images of a run on a feature bank are those whose frozen features have the nearest directions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import latentclust
from latentclust.viewer.gallery.codes import read_codes
from latentclust.viewer.gallery.gallery import open_run_gallery

TABLES = {
    "schema": 1,
    "extends": "dccs-frozen@1",
    "name": "tiny",
    "features": {"model": "test_resnet", "pretrained": "none", "size": 32, "views": 2},
    "views": {"view": {"steps": [{"use": "flip"}, {"use": "colour-jitter"}]}},
    "prior": {"clusters": 2, "style_dim": 3},
    "networks": {"encoder": {"hidden": [8]}, "critic": {"hidden": [8]}, "discriminator": {"hidden": [8]}},
    "train": {"rounds": 2, "batch_size": 4},
    "evaluate": {"baselines": [], "tsne": False},
}


@pytest.mark.slow
def test_similar_images_have_features_of_near_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTCLUST_FEATURES", str(tmp_path / "features"))
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(12):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    data = {"use": "image-folder", "path": str(tmp_path / "photos"), "size": 16, "labels": "none"}
    run = latentclust.run({**TABLES, "data": data}, out=tmp_path / "run", device="cpu")
    gallery = open_run_gallery(run.folder)
    inputs = gallery.images.inputs
    codes = read_codes(gallery.model, inputs)
    assert (codes.space, inputs.preprocessed) == ("frozen features", True)
    features = inputs.read(np.arange(12))
    cosines = features @ features[4] / np.linalg.norm(features, axis=1)
    assert codes.similar(4, 3).tolist() == np.argsort(-cosines, kind="stable")[1:4].tolist()
    assert codes.clusters[:, 0].tolist() == gallery.table.clusters.tolist()

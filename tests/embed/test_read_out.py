"""The read-out of codes: the state of the generator is kept only if something draws from it."""

import json

import numpy as np

from latentclust.data.sources import ArraySource
from latentclust.embed import read_out
from latentclust.embed.work_folder import WorkFolder
from latentclust.model.codes import draws_numbers
from latentclust.phases import SILENT
from tests.model.test_model import untrained


def test_the_generator_is_kept_only_of_an_inference_that_draws(tmp_path):
    images = ArraySource(np.random.default_rng(0).random((3, 100), np.float32), "x")
    for name, inference in (("drawn", "{use='backprop-decoding', iterations=1}"), ("fixed", "{use='amortized'}")):
        model = untrained("clustergan", f"inference={inference}")
        (tmp_path / name).mkdir()
        read_out.read_out(model, images, WorkFolder(tmp_path / name, ""), 0, False, SILENT)
        progress = json.loads((tmp_path / name / "progress.json").read_text())
        assert draws_numbers(model) == (name == "drawn") == ("generator" in progress)

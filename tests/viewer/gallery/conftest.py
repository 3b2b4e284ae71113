"""A run of images with hostile names, and a server in a thread."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from PIL import Image

import latentclust
from latentclust.model.model_file import save_model
from latentclust.viewer.app import make_app
from latentclust.viewer.serve import bind, url_of
from latentclust.viewer.session import Session
from tests.labelling.planted import noise_scene, planted_model, write_scene

HOSTILE = (
    "=1+1.png",
    "<script>alert(1)</script>".replace("/", "∕") + ".png",
    "مرحبا.png",
    '"quoted".png',
    "n" * 200 + ".png",
)
"""Names of the first image files; a slash would be a folder."""

IMAGES = 140
RECIPES = Path(__file__).parents[2] / "train"


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey images of 8 x 8 pixels, each of one level: image number n has the level n."""
    folder = tmp_path_factory.mktemp("data") / "photographs"
    folder.mkdir()
    names = [*HOSTILE, *(f"z{number:03}.png" for number in range(IMAGES - len(HOSTILE)))]
    for level, name in enumerate(sorted(names)):
        Image.fromarray(np.full((8, 8), level, np.uint8)).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def image_run(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on these images with three clusters."""
    settings = [
        "data.use=image-folder", f"data.path={photographs}", "data.labels=none", "prior.clusters=3",
        "train.rounds=2", "train.checkpoint_every=2",
        "evaluate.baselines=[]", "evaluate.metrics=[]", "evaluate.tsne=false",
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("runs") / "run"
    return latentclust.run(RECIPES / "dccs.toml", settings, out=folder, device="cpu").folder


@pytest.fixture
def labels(tmp_path: Path) -> Session:
    """A scene that was labelled by a model in a file."""
    model = tmp_path / "model.safetensors"
    save_model(model, planted_model())
    write_scene(tmp_path / "scene.tif", noise_scene(90, 100))
    latentclust.label(latentclust.load(model), tmp_path / "scene.tif", tmp_path / "out", classes=True)
    return Session("labels", model=model, clusters=4, labels=tmp_path / "out", token="t")


Serve = Callable[[Session], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a session until the end of the test, and return the address of its page."""
    servers = []

    def start(session: Session) -> str:
        listener = bind("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(make_app(session), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        servers.append((server, thread, listener))
        return url_of(listener, session.token)

    yield start
    for server, thread, listener in servers:
        server.should_exit = True
        thread.join()
        listener.close()

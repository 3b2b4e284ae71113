"""The start `weights-from-run`: networks of another run, which reports name and the checkpoint remembers."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import latentclust
from latentclust.bundled.run_weights import WeightsFromRun
from latentclust.errors import LatentclustError
from latentclust.runs.run import FinishedRun, load_resolved_recipe, open_experiment
from latentclust.train.fabric import make_fabric
from latentclust.train.loop import Training
from latentclust.train.setup import prepare_training

SMALL = ["train.rounds=4", "evaluate.baselines=[]", "evaluate.tsne=false"]


@pytest.fixture(scope="module")
def pretext(recipe: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run whose encoder others begin with."""
    return latentclust.run(recipe("autoencoder"), [*SMALL, "name=pretext"], out=tmp_path_factory.mktemp("pretext"))


Prepare = Callable[..., Training]


@pytest.fixture
def prepare(recipe: Callable[[str], Path], pretext: FinishedRun, tmp_path: Path) -> Prepare:
    """Prepares a training that begins with the encoder of the pretext, or of another folder."""

    def make(run: Path = pretext.folder, networks: str = "['encoder']", *settings: str, seed: int = 7) -> Training:
        start = f"stages.all.start={{use='weights-from-run', run='{run}', networks={networks}}}"
        given = [*SMALL, "stages.all.rounds=4", start, f"seed={seed}", *settings]
        experiment, _ = open_experiment(load_resolved_recipe(recipe("autoencoder"), given))
        return prepare_training(experiment, make_fabric("cpu", 1), tmp_path)

    return make


def test_a_stage_begins_with_the_weights_of_the_run_and_others_stay(prepare: Prepare, pretext: FinishedRun) -> None:
    made, stored = prepare(), latentclust.load(pretext.folder).networks
    before = {name: tensor.clone() for name, tensor in made.state.networks.state_dict().items()}
    made._start_round(1)
    after = made.state.networks.state_dict()
    for name, tensor in stored["encoder"].state_dict().items():
        assert torch.equal(after[f"encoder.{name}"], tensor)
    assert all(torch.equal(after[name], before[name]) for name in after if name.startswith("generator."))
    assert not torch.equal(before["encoder.head.weight"], after["encoder.head.weight"])


def test_the_report_and_results_name_the_run_and_its_hash(
    recipe: Callable[[str], Path], pretext: FinishedRun, tmp_path: Path
) -> None:
    start = f"stages.all.start={{use='weights-from-run', run='{pretext.folder}', networks=['encoder']}}"
    run = latentclust.run(recipe("autoencoder"), [*SMALL, "stages.all.rounds=4", start], out=tmp_path)
    digest = hashlib.sha256((pretext.folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    seed = pretext.facts.seed
    told = f"encoder of the run pretext, seed {seed} in {pretext.folder}, SHA-256 {digest} (stages.all.start)"
    assert run.result.weights == [told]
    assert told in (tmp_path / "report.md").read_text()


def test_the_hash_belongs_to_the_checkpoint(prepare: Prepare, pretext: FinishedRun, tmp_path: Path) -> None:
    copy = shutil.copytree(pretext.folder, tmp_path / "copy")
    prepare(copy).run()
    prepare(copy).run(resume=True)
    other = latentclust.load(copy)
    with torch.no_grad():
        other.networks["encoder"].head.bias.add_(1)
    latentclust.model.model_file.save_model(copy / "model.safetensors", other)
    with pytest.raises(LatentclustError, match=r"the recipe has changed since .*stages\.all\.start \(files\) was"):
        prepare(copy).run(resume=True)


def test_runs_that_do_not_fit_are_refused_before_the_training(
    prepare: Prepare, pretext: FinishedRun, tmp_path: Path
) -> None:
    where = r"^stages\.all\.start \("
    with pytest.raises(LatentclustError, match=where + r".*the model file does not exist"):
        prepare(tmp_path / "nothing")
    with pytest.raises(LatentclustError, match=r"requires the network 'trunk', which is missing"):
        prepare(pretext.folder, "['trunk']")
    with pytest.raises(
        LatentclustError, match=where + r"networks\): 'encoder' of .* differs: body.* has shape .*Give \[networks"
    ):
        prepare(pretext.folder, "['encoder']", "networks.encoder.hidden=[9]")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((pretext.folder / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(LatentclustError, match=where + r".*is not a latentclust model"):
        prepare(damaged)


def test_a_run_whose_recipe_was_changed_is_refused_before_the_training(
    prepare: Prepare, pretext: FinishedRun, tmp_path: Path
) -> None:
    copy = shutil.copytree(pretext.folder, tmp_path / "copy")
    file = copy / "model.safetensors"
    content = file.read_bytes()
    assert b'name = \\\\\\"pretext' in content
    file.write_bytes(content.replace(b'name = \\\\\\"pretext', b'name = \\\\\\"pretexT'))
    assert "cannot be read any more" in WeightsFromRun(run=copy, networks=("encoder",)).weights_origin()
    with pytest.raises(LatentclustError, match=r"^stages\.all\.start \(.*its recipe was changed after"):
        prepare(copy)


def test_a_network_that_the_run_has_not_is_named(prepare: Prepare, pretext: FinishedRun) -> None:
    settings = ("networks.other={use='mlp', role='encoder', frozen=true}",)
    with pytest.raises(LatentclustError, match=r"has no network 'other'; it has encoder, generator"):
        prepare(pretext.folder, "['other']", *settings)

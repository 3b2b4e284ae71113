"""Several seeds that were stopped go on by the same command, or by the name of their folder."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.report.results import SUMMARY
from latentclust.runs.seeds import resume_seeds, run_seeds
from latentclust.train.events import NullListener, Record

SETTINGS = ("train.rounds=4", "train.checkpoint_every=1", "train.log_every=1", "evaluate.tsne=false")


class StopSecond(NullListener):
    """Stop the second seed after a round."""

    def __init__(self, seed: int, seen: list[int]) -> None:
        self.seed, self.seen = seed, seen

    def on_record(self, record: Record) -> None:
        self.seen.append(self.seed)
        if self.seed == 4 and record.round == 2:
            signal.raise_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def whole(recipe: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of three seeds that nothing disturbed."""
    folder, _, _ = run_seeds(recipe("dccs"), 3, SETTINGS, out=tmp_path_factory.mktemp("seeds") / "whole", device="cpu")
    return folder


@pytest.mark.parametrize("by_name", [True, False])
def test_a_stop_keeps_the_finished_seeds_and_the_others_go_on(
    recipe: Callable[[str], Path], whole: Path, tmp_path: Path, by_name: bool
) -> None:
    out, seen = tmp_path / "out", list[int]()
    said = r"out: seed 4 stopped after round 3 of 4\. Resume all: latentclust run --resume .*out"
    with pytest.raises(InterruptedRunError, match=said):
        run_seeds(recipe("dccs"), 3, SETTINGS, out=out, device="cpu", listener=lambda seed: StopSecond(seed, seen))
    assert not (out / SUMMARY).exists()
    trained: list[int] = []

    class Watch(NullListener):
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def on_record(self, record: Record) -> None:
            trained.append(self.seed)

    if by_name:
        resume_seeds(out, device="cpu", listener=Watch)
    else:
        run_seeds(recipe("dccs"), 3, SETTINGS, out=out, device="cpu", listener=Watch)
    assert trained == [4, 5, 5, 5, 5], "the first seed is not trained again"
    for seed in (3, 4, 5):
        model = f"seed-{seed}/model.safetensors"
        assert (out / model).read_bytes() == (whole / model).read_bytes()
    assert json.loads((out / SUMMARY).read_text())["mean"] == json.loads((whole / SUMMARY).read_text())["mean"]


def test_other_seeds_or_recipes_are_not_mixed_into_a_folder(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    run_seeds(recipe("dccs"), 2, SETTINGS, out=tmp_path / "out", device="cpu")
    for settings in ((*SETTINGS, "seed=4"), (*SETTINGS, "prior.sigma=0.2")):
        with pytest.raises(LatentclustError, match="is not empty"):
            run_seeds(recipe("dccs"), 2, settings, out=tmp_path / "out", device="cpu")


def test_more_seeds_are_added_to_a_folder_and_fewer_are_refused(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_seeds(recipe("dccs"), 2, SETTINGS, out=out, device="cpu")
    finished = [(out / f"seed-{seed}" / "model.safetensors").read_bytes() for seed in (3, 4)]
    _, summary, runs = run_seeds(recipe("dccs"), 3, SETTINGS, out=out, device="cpu")
    assert json.loads((out / "seeds.json").read_text())["seeds"] == [3, 4, 5]
    assert (len(runs), summary.seeds) == (3, [3, 4, 5])
    assert [(out / f"seed-{seed}" / "model.safetensors").read_bytes() for seed in (3, 4)] == finished
    with pytest.raises(
        LatentclustError, match=r"--seeds: is 2, but .*out holds 3 seeds of this recipe\. Pass --seeds 3"
    ):
        run_seeds(recipe("dccs"), 2, SETTINGS, out=out, device="cpu")


def test_a_damaged_list_of_seeds_is_named(tmp_path: Path) -> None:
    (tmp_path / "seeds.json").write_text('{"seeds": ["x"]}')
    with pytest.raises(LatentclustError, match=r"seeds\.json: cannot be read \(seeds\.0: "):
        resume_seeds(tmp_path)


def test_the_seeds_have_a_page_that_links_to_theirs(whole: Path) -> None:
    text = (whole / "report.html").read_text()
    for seed in (3, 4, 5):
        assert f'href="seed-{seed}/report.html"' in text
        assert (whole / f"seed-{seed}" / "report.html").is_file()


def test_seeds_do_not_fail_because_of_their_page(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    out = Path(shutil.copytree(whole, tmp_path / "out"))
    monkeypatch.setattr("latentclust.runs.seeds.write_comparison", fail)
    resume_seeds(out, device="cpu")
    assert (out / SUMMARY).is_file()
    assert not (out / "report.html").exists()
    (out / "report.html").mkdir()
    resume_seeds(out, device="cpu")

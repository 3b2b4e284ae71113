"""The choice of the number of clusters, from a recipe to its folder."""

import json
import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.cluster_number import tasks
from latentclust.cluster_number.brief_data import BriefData, open_data
from latentclust.cluster_number.choose import choose_k
from latentclust.cluster_number.k_scores import Spread
from latentclust.cluster_number.settings import BriefTraining, Settings, subsample_indices
from latentclust.cluster_number.train_briefly import train_briefly
from latentclust.errors import InterruptedRunError, LatentclustError, RunFailedError, UnreadableCheckpointError
from latentclust.specs.data import SealedLabels

Tables = dict[str, Any]
FILES = {"choose_k.json", "choose-k.html", "choose-k.md", "choose-k.png", "settings.json", "trainings", "kmeans"}


@pytest.fixture
def recipe(tmp_path: Path) -> Tables:
    """A mixture of three distinct Gaussians, whose vectors have labels; nothing is trained."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    points = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]])[labels] + 0.02 * rng.standard_normal((60, 2))
    np.savez(tmp_path / "points.npz", x=points.clip(0, 1).astype(np.float32), y=labels)
    return {
        "schema": 1,
        "name": "three",
        "data": {"use": "array", "path": str(tmp_path / "points.npz")},
        "prior": {"use": "one-hot-gaussian", "clusters": 2, "style_dim": 0},
        "train": {"rounds": 0},
        "inference": {"use": "gaussian-mixture", "covariance": "diagonal", "n_init": 3},
    }


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were done."""
    done: list[str] = []
    do = tasks.do_task

    def record(data: Any, task: Any, *rest: Any) -> None:
        do(data, task, *rest)
        done.append(str(task))

    monkeypatch.setattr(tasks, "do_task", record)
    return done


@pytest.fixture
def unwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chart, page, table or JSON."""
    monkeypatch.setattr("latentclust.cluster_number.choose._write", lambda choice: None)


def choose(recipe: Tables, folder: Path, clusters: str = "2..4", **options: Any) -> Any:
    return choose_k(recipe, clusters, seeds=options.pop("seeds", 3), out=folder, device="cpu", **options)


def test_three_gaussians_are_found_without_their_labels(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseal(labels: SealedLabels) -> NDArray[np.int64]:
        raise AssertionError("choose-k reads labels")

    monkeypatch.setattr(SealedLabels, "unseal", unseal)
    found = choose(recipe, tmp_path / "out")
    assert list(found.clusters) == [3]
    assert found.scores[1].subsamples.mean == found.scores[1].strength.mean == 1.0
    assert found.suggestion.by_silhouette == found.suggestion.by_gap == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    stored = json.loads((tmp_path / "out" / "choose_k.json").read_text())
    assert stored["suggestion"]["low"] == 3
    assert [score["clusters"] for score in stored["scores"]] == [2, 3, 4]
    assert found.suggestion.sentence in (tmp_path / "out" / "choose-k.md").read_text()
    assert found.suggestion.sentence in found._repr_html_()
    assert found.warnings() == []
    unused = [replace(score, used=Spread.of([1.0, 2.0])) for score in found.scores]
    assert "1.5 of 2, 1.5 of 3, 1.5 of 4 on average" in replace(found, scores=tuple(unused)).warnings()[0]
    mixed = (found.scores[0], unused[1], found.scores[2])
    assert "have: 1.5 of 3 on average" in replace(found, scores=mixed).warnings()[0]
    assert "except that the protocol" in replace(found, masked_by_labels=True).basis()


@pytest.mark.usefixtures("unwritten")
def test_the_python_of_the_documentation_runs(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "choose-clusters.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert '"digits", range(8, 13)' in block
    exec(block.replace('"digits", range(8, 13)', "recipe, range(2, 5)"), {"recipe": recipe})
    assert "3 clusters: stability chooses 3" in capsys.readouterr().out


@pytest.mark.usefixtures("unwritten")
def test_a_second_call_continues_and_changed_settings_are_refused(
    recipe: Tables, tmp_path: Path, trained: list[str]
) -> None:
    first = choose(recipe, tmp_path / "out", "2..4")
    assert len(trained) == 3 * (3 + 1)
    trained.clear()
    more = choose(recipe, tmp_path / "out", "2..5", seeds=4)
    assert sorted(trained) == [
        "2 clusters, seed 4, subsample 2",
        "3 clusters, seed 4, subsample 2",
        "4 clusters, seed 4, subsample 2",
        "5 clusters, k-means",
        *(f"5 clusters, seed {seed}, subsample {part}" for seed, part in ((1, 1), (2, 1), (3, 2), (4, 2))),
    ]
    assert more.scores[0].kmeans == first.scores[0].kmeans
    with pytest.raises(LatentclustError, match=r"--subsample was 0\.8 and is 0\.7"):
        choose(recipe, tmp_path / "out", subsample=0.7)
    with pytest.raises(LatentclustError, match=r"inference\.n_init was 3 and is 2"):
        choose(recipe, tmp_path / "out", overrides={"inference.n_init": 2})
    trained.clear()
    choose(recipe, tmp_path / "out", "2..4", subsample=0.7, overwrite=True)
    assert len(trained) == 12
    trained.clear()
    choose(recipe, tmp_path / "out", "2..4", subsample=0.7, overwrite=True)
    assert trained == []
    (tmp_path / "out" / "trainings" / "clusters-2-seed-1-subsample-1.safetensors").write_bytes(b"cut")
    with pytest.raises(LatentclustError, match=r"Delete it; it is then trained again"):
        choose(recipe, tmp_path / "out", "2..4", subsample=0.7)


@pytest.mark.usefixtures("unwritten")
def test_a_stop_keeps_what_is_done(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[str]
) -> None:
    stop = tasks.do_task

    def once(data: Any, task: Any, *rest: Any) -> None:
        if len(trained) == 2:
            raise InterruptedRunError.at("training", "stopped", "")
        stop(data, task, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "do_task", once)
        with pytest.raises(InterruptedRunError, match=r"10 are left.*same command"):
            choose(recipe, tmp_path / "out", "2..4")
    assert not (tmp_path / "out" / "unfinished").exists()
    trained.clear()
    choose(recipe, tmp_path / "out", "2..4")
    assert len(trained) == 10


def test_a_stopped_training_continues_at_its_checkpoint(tables: Tables, tmp_path: Path) -> None:
    tables["train"] |= {"rounds": 6}
    data = open_data(Settings(tables, (), (2, 3), 3, 0.8, Fraction(1), "cpu")).prepared()
    training, rounds = BriefTraining(2, 1, 1), []

    def stop_after(last: int) -> Callable[[], bool]:
        return lambda: rounds.append(1) is None and len(rounds) == last

    whole = train_briefly(data, training, tmp_path / "whole", stop_after(0))
    assert len(rounds) == 6
    rounds.clear()
    with pytest.raises(InterruptedRunError):
        train_briefly(data, training, tmp_path, stop_after(4))
    rounds.clear()
    found = train_briefly(data, training, tmp_path, stop_after(0))
    assert len(rounds) == 2
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert (found.losses, found.criterion) == (whole.losses, whole.criterion)
    assert whole.losses
    own = tmp_path / "clusters-2-seed-1-subsample-1"
    assert not own.exists()
    own.mkdir()
    (own / "checkpoint.safetensors").write_bytes(b"cut")
    again = train_briefly(data, training, tmp_path, stop_after(0))
    np.testing.assert_array_equal(again.labels, whole.labels)
    assert again.losses == whole.losses
    assert not own.exists()


KILLED = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (KILLED, r"lower data\.workers or .* Run the same command again, also with changed data\.workers"),
        (MemoryError(), "out of memory"),
        (LatentclustError.at("data.path", "does not exist", "Bring it back"), r"data\.path: does not exist"),
    ],
)
def test_a_failure_keeps_a_good_checkpoint(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, what: str
) -> None:
    data = open_data(Settings(recipe, (), (2, 3), 3, 0.8, Fraction(1), "cpu"))
    training = BriefTraining(2, 1, 1)
    file = tmp_path / "clusters-2-seed-1-subsample-1" / "checkpoint.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"good")

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("latentclust.cluster_number.train_briefly.train", fail)
    with pytest.raises(LatentclustError, match=what) as caught:
        train_briefly(data, training, tmp_path, lambda: False)
    assert "--resume" not in str(caught.value)
    assert file.read_bytes() == b"good"
    file.unlink()
    with pytest.raises(LatentclustError, match=what):
        train_briefly(data, training, tmp_path, lambda: False)
    assert not file.parent.exists()


@pytest.mark.parametrize("cause", [ValueError("cut"), RuntimeError("out of memory")])
def test_an_unreadable_checkpoint_is_tried_once_more_from_the_beginning_even_if_it_cannot_be_removed(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    data = open_data(Settings(recipe, (), (2, 3), 3, 0.8, Fraction(1), "cpu"))
    file = tmp_path / "clusters-2-seed-1-subsample-1" / "starts.json"
    file.parent.mkdir()
    file.write_text("cut")
    resumed = []

    def fail(*given: Any) -> Any:
        resumed.append(given[-1])
        raise UnreadableCheckpointError.at("starts.json", "cannot be read", "") from cause

    monkeypatch.setattr("latentclust.cluster_number.train_briefly.train", fail)
    monkeypatch.setattr("latentclust.cluster_number.train_briefly.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(UnreadableCheckpointError):
        train_briefly(data, BriefTraining(2, 1, 1), tmp_path, lambda: False)
    assert resumed == ([True, False] if isinstance(cause, ValueError) else [True])
    assert file.exists()


@pytest.mark.usefixtures("unwritten")
def test_networks_are_trained_for_a_part_of_the_rounds_and_compared(tables: Tables, tmp_path: Path) -> None:
    tables["train"] |= {"rounds": 8, "select_by": "losses.critic", "select_every": 4, "starts": 4}
    found = choose(tables, tmp_path / "out", "2..4", rounds_fraction=0.5)
    assert (found.rounds, found.criterion, found.compared) == (4, "|losses.critic|", 40)
    for score in found.scores:
        assert score.criterion is not None
        assert score.criterion.mean >= 0
        assert set(score.losses) == {"critic", "adversarial", "category-recovery"}
        assert score.occupied is not None
        assert score.occupied.mean <= score.clusters


@pytest.mark.usefixtures("unwritten")
def test_pixels_are_compared_for_label_maps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    blocks = (200 * np.eye(3))[rng.integers(0, 3, (6, 3, 3))].repeat(4, axis=1).repeat(4, axis=2)
    images = (blocks + rng.integers(0, 30, blocks.shape)).astype(np.uint8)
    recipe = {"schema": 1, "extends": "mixture-pixel@1", "name": "colours"}
    found = choose(recipe, tmp_path / "out", images=images)
    assert (found.unit, found.compared, found.samples) == ("pixels", 6 * 144, 6)
    assert list(found.clusters) == [3]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"seeds": 2}, "--seeds: 2 is too few"),
        ({"subsample": 0.5}, "--subsample: 0.5 is not in"),
        ({"subsample": 1.1}, "--subsample: 1.1 is not in"),
        ({"rounds_fraction": 0.0}, "--rounds-fraction: 0 is not a part"),
        ({"workers": 0}, "--workers: 0 is not a number of processes"),
        ({"clusters": "2..49"}, "--clusters: 49 clusters exceed the 48 images of a subsample"),
        ({"overrides": {"prior.clusters": 3}}, "prior.clusters=3: is set by the numbers that are compared"),
        ({"overrides": ["inference.components=3"], "clusters": "3..5"}, "4 clusters: inference"),
        ({"overrides": ["train.roundz=3"]}, "train.roundz"),
        ({"overrides": ["prior=5"]}, "prior"),
    ],
)
def test_bad_options_are_one_clear_error_before_anything_is_written(
    recipe: Tables, tmp_path: Path, options: Tables, what: str
) -> None:
    with pytest.raises(LatentclustError) as caught:
        choose(recipe, tmp_path / "out", **options)
    assert len(caught.value.issues) == 1
    assert what in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_files_is_left_alone(recipe: Tables, tmp_path: Path) -> None:
    with pytest.raises(LatentclustError, match="is not the folder of a choice of clusters"):
        choose(recipe, tmp_path, overwrite=True)


def test_a_recipe_whose_trainings_all_diverge_fails(tables: Tables, tmp_path: Path) -> None:
    tables["players"]["generator"]["optimizer"] = {"use": "adam", "lr": 1e30}
    with pytest.raises(RunFailedError, match="all 9 trainings failed"):
        choose(tables, tmp_path / "out", "2..4", rounds_fraction=1.0)


def test_subsamples_overlap_and_do_not_depend_on_the_number_of_clusters() -> None:
    one, other = (subsample_indices(100, 0.8, 0, number) for number in (1, 2))
    assert len(one) == len(other) == 80
    assert len(np.union1d(one, other)) > 80
    assert len(np.intersect1d(one, other)) >= 60
    np.testing.assert_array_equal(one, subsample_indices(100, 0.8, 0, 1))


@pytest.mark.usefixtures("unwritten")
def test_the_largest_seed_and_numbers_above_the_points_of_k_means(
    tables: Tables, recipe: Tables, tmp_path: Path
) -> None:
    recipe["seed"] = 2**63 - 1
    assert list(choose(recipe, tmp_path / "out").clusters) == [3]
    with pytest.raises(LatentclustError, match=r"49 clusters exceed the 48 of 60 images that k-means reads"):
        choose(recipe, tmp_path / "more", "2..49", subsample=1.0)


@pytest.mark.usefixtures("unwritten")
def test_a_system_that_collapses_is_not_chosen_and_chance_is_that_of_the_used_clusters(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels_by = BriefData.labels_by

    def collapse(data: BriefData, model: Any) -> NDArray[np.int64]:
        clusters = model.resolved.recipe.prior.clusters
        labels = labels_by(data, model)
        return np.zeros_like(labels) if clusters == 4 else labels % 2 if clusters == 5 else labels

    monkeypatch.setattr(BriefData, "labels_by", collapse)
    found = choose(recipe, tmp_path / "out", "3..5")
    assert found.suggestion.by_stability == 3
    assert found.suggestion.number is None  # 3 is the smallest number, at which silhouette and gap do not count
    scores = {score.clusters: score for score in found.scores}
    assert scores[4].collapsed == 3
    assert scores[4].subsamples.mean == scores[4].same_data.mean == scores[4].strength.mean == 0.0
    assert "4 clusters: 3 of 3 trainings collapsed into a single cluster" in " ".join(found.warnings())
    assert scores[5].used.mean == 2.0
    two = json.loads((tmp_path / "out" / "kmeans" / "clusters-2.json").read_text())
    assert scores[5].chance == two["chance"] > scores[5].kmeans.chance
    assert scores[5].excess == scores[5].subsamples.mean - two["chance"]


def test_an_error_of_a_process_is_told(recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise LatentclustError.at("data", "is gone", "Bring it back")

    monkeypatch.setattr(tasks, "open_data", broken)
    monkeypatch.setattr(tasks.signal, "signal", lambda *_: None)
    monkeypatch.setattr(tasks.torch, "set_num_threads", lambda _: None)
    settings = Settings(recipe, (), (2, 3), 3, 0.8, Fraction(1), "cpu")
    stop = multiprocessing.get_context("spawn").Event()
    tasks._Worker.start(settings, tmp_path, stop, 1)
    with pytest.raises(LatentclustError, match="data: is gone"):
        tasks._Worker.work(tasks.KMeansTask(2))


@pytest.mark.usefixtures("unwritten")
def test_a_process_that_ends_early_is_explained(
    recipe: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise BrokenProcessPool

    monkeypatch.setattr(tasks.ProcessPoolExecutor, "submit", broken)
    with pytest.raises(RunFailedError, match=r"__main__.*--workers 1"):
        choose(recipe, tmp_path / "out", workers=2)


@pytest.mark.slow
def test_several_processes_give_the_same_scores(recipe: Tables, tmp_path: Path) -> None:
    alone, together = (choose(recipe, tmp_path / str(count), "2..4", workers=count) for count in (1, 2))
    assert alone.scores == together.scores

"""Two processes on the CPU: real runs whose launcher starts this script's follower, beside one process alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from latentclust.data.feed import Batch, Feed
from latentclust.data.open_feed import open_feed
from latentclust.train.chains import Chains
from latentclust.train.full_dataset import TrainingImages
from latentclust.train.loop import Training

RECIPES = Path(__file__).parent

RUNS = {
    "chains": ("cgm", "train.batch_size=8"),
    "map-chains": ("cgm-pixel", "train.batch_size=8"),
    "steady": ("autoencoder", "train.batch_size=8"),
    "normalised": ("clustergan", "train.batch_size=8", "train.select_by='losses.critic'", "train.select_every=3"),
    "tables": ("tables", "train.batch_size=8", "tables.neighbours.drawn=true"),
    "stages": ("stages", "train.batch_size=8", "networks.encoder.norm='batch'"),
    "diverging": ("clustergan", "train.batch_size=8", "players.critic.optimizer.lr=1e30"),
    "lost": ("autoencoder", "train.batch_size=8"),  # the last one: its follower ends
}
"""Recipe and settings of each."""

SCRIPT = dedent("""
    import json, os, sys
    from pathlib import Path

    from safetensors.torch import save_file

    folder, recipes, runs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    written = []

    def watch(event, arguments):
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            written.append(str(arguments[0]))

    sys.addaudithook(watch)

    import latentclust
    import latentclust.runs.finish
    from latentclust.data.feed import Feed
    from latentclust.errors import LatentclustError
    from latentclust.train.loop import Training

    train = Training.run

    def recorded(training, resume=False):
        batches, take = [], training.state.feed.next

        def take_and_note():
            batch = take()
            batches.append(batch.index.tolist())
            return batch

        training.state.feed.next = take_and_note
        selection = train(training, resume)
        rank = training.fabric.global_rank
        save_file(training.state.networks.state_dict(), folder / f"{name}-{rank}.safetensors")
        save_file(training.state.memory_bank.rows, folder / f"{name}-{rank}-tables.safetensors")
        (folder / f"{name}-{rank}.json").write_text(json.dumps(batches))
        return selection

    latentclust.runs.finish.draw_figures = lambda *_: ()  # takes most of the time
    Training.run = recorded
    for name, (recipe, *settings) in runs.items():
        settings.append("train.devices=2")
        try:
            latentclust.run(recipes / f"{recipe}.toml", settings, out=folder / name, device="cpu")
            end = "finished"
        except LatentclustError as error:
            end = str(error)
        except SystemExit as left:
            end = f"follower left with {left.code}"
        if name == "diverging":
            take = Feed.next
            Feed.next = lambda feed: os._exit(9) if os.environ["LOCAL_RANK"] == "1" else take(feed)
        said = json.dumps({"end": end, "written": written})
        (folder / f"{name}-{os.environ['LOCAL_RANK']}-end.json").write_text(said)
        written.clear()
""")


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, lay_maps: Callable[[Path], None], whole_set_site: Path
) -> tuple[Path, dict[str, list[dict[str, Any]]]]:
    """The folder of the runs, and what the leader and the follower said at the end of each."""
    folder = tmp_path_factory.mktemp("pair")
    lay_maps(folder)
    script = folder / "train.py"
    script.write_text(SCRIPT)
    launcher = dict.fromkeys(("LOCAL_RANK", "RANK", "WORLD_SIZE", "NODE_RANK", "MASTER_PORT"), "7")  # is ignored
    environment = os.environ | launcher | {"MASTER_ADDR": "nowhere.invalid"}
    environment["PYTHONPATH"] = os.pathsep.join([str(whole_set_site), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, script, folder, RECIPES, json.dumps(RUNS)],
        env=environment | {"OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, {
        run: [json.loads(path.read_text()) for path in sorted(folder.glob(f"{run}-*-end.json"))] for run in RUNS
    }


def weights(folder: Path, run: str) -> list[dict[str, Tensor]]:
    return [load_file(folder / f"{run}-{rank}.safetensors") for rank in (0, 1)]


def batches(folder: Path, run: str) -> list[list[list[int]]]:
    return [json.loads((folder / f"{run}-{rank}.json").read_text()) for rank in (0, 1)]


def test_two_processes_train_as_one_does_on_the_joint_batches(
    pair: Any, training: Callable[..., Training], recorder: type
) -> None:
    folder, _ = pair
    listener, joint = recorder(), list[list[int]]()
    alone = training("autoencoder", "train.batch_size=16", listener=listener)
    take = alone.state.feed.next

    def take_and_note() -> Any:
        batch = take()
        joint.append(batch.index.tolist())
        return batch

    alone.state.feed.next = take_and_note  # type: ignore[method-assign]
    alone.run()
    for mine, others, together in zip(*batches(folder, "steady"), joint, strict=True):
        assert not set(mine) & set(others)
        assert set(mine) | set(others) == set(together)
    torch.testing.assert_close(weights(folder, "steady")[0], dict(alone.state.networks.state_dict()))
    lines = (folder / "steady" / "metrics.jsonl").read_text().splitlines()
    logged = [json.loads(line)["losses"]["reconstruction"] for line in lines]
    assert logged == pytest.approx([losses["reconstruction"] for _, losses in listener.losses])


@pytest.mark.parametrize("run", ["chains", "map-chains"])
def test_chains_stay_on_their_rank_and_move_as_in_one_process(
    pair: Any, training: Callable[..., Training], run: str
) -> None:
    folder, _ = pair
    for rank, seen in enumerate(batches(folder, run)):
        assert {index % 2 for batch in seen for index in batch} == {rank}
    alone = training(*RUNS[run])
    chains = play_both_ranks(alone)
    torch.testing.assert_close(weights(folder, run)[0], dict(alone.state.networks.state_dict()))
    saved = load_file(folder / run / "checkpoint.safetensors")
    torch.testing.assert_close(saved["chains/style"], chains.state["style"], rtol=1e-4, atol=1e-5)
    assert torch.equal(saved["chains/label"], chains.state["label"])


def play_both_ranks(alone: Training) -> Chains:
    """What two processes do, by one: each rank's batches and draws in turn, and the mean of their gradients."""
    assert alone.state.chains is not None
    training_images = alone.state.chains.training_images
    assert isinstance(training_images, TrainingImages)
    feeds = [
        open_feed(
            training_images.source,
            {},
            8,
            alone.recipe.seed,
            torch.device("cpu"),
            resident=True,
            memory_limit=0,
            workers=0,
            rank=rank,
            world=2,
            fixed=True,
        )
        for rank in (0, 1)
    ]
    alone.state.chains.begin(alone.recipe.seed)
    alone.state.networks.train()
    for round_ in range(1, alone.recipe.train.rounds + 1):
        taken = [one_rank(alone, feeds[rank], rank, round_) for rank in (0, 1)]
        for player in alone.state.players.values():
            for _ in range(player.steps):
                player.optimizer.zero_grad()
                for batch, values in taken:
                    alone.state.chains.values = values
                    (sum(player.terms(batch)) / 2).backward()
                player.optimizer.step()
    return alone.state.chains


def one_rank(alone: Training, feed: Feed, rank: int, round_: int) -> tuple[Batch, dict[str, Any]]:
    """A rank's batch of a round, and what its chains provide."""
    assert alone.state.chains is not None
    alone.fabric = SimpleNamespace(device=torch.device("cpu"), global_rank=rank)  # type: ignore[assignment]
    alone._seed_round(round_)
    batch = feed.next()
    alone.state.chains.advance(batch, (round_ - 1) / alone.recipe.train.rounds)
    alone.state.chains.commit()
    return batch, alone.state.chains.values


def test_tables_are_the_same_on_both_processes_though_batch_norm_has_seen_other_samples(pair: Any) -> None:
    leader, follower = (load_file(pair[0] / f"tables-{rank}-tables.safetensors") for rank in (0, 1))
    assert set(leader) == {"target", "neighbours"}
    assert all(torch.equal(follower[name], rows) for name, rows in leader.items())


@pytest.mark.parametrize("run", ["steady", "normalised", "tables", "stages"])
def test_both_processes_end_with_the_same_bits(pair: Any, run: str) -> None:
    leaders, followers = weights(pair[0], run)
    assert any("running" in name for name in leaders) == (run != "steady")
    different = [name for name in leaders if not torch.equal(leaders[name], followers[name])]
    assert not different


def test_only_the_first_process_writes_into_the_run(pair: Any) -> None:
    folder, ends = pair
    for run in RUNS.keys() - {"lost"}:
        leader, follower = ends[run]
        assert any(path.startswith(f"{folder / run}/") for path in leader["written"])
        assert not any(path.startswith(f"{folder / run}/") for path in follower["written"])
    for run in ("steady", "normalised"):
        assert (folder / run / "results.json").exists()
        assert (folder / run / "model.safetensors").exists()


def test_both_stop_at_a_divergence_and_the_first_tells_it(pair: Any) -> None:
    leader, follower = pair[1]["diverging"]
    assert leader["end"].startswith("losses.critic: ")
    assert follower["end"] == "follower left with 0"
    assert pair[1]["steady"][0]["end"] == "finished"
    assert pair[1]["steady"][1]["end"] == "follower left with 0"


def test_a_process_that_ends_fails_the_run(pair: Any) -> None:
    (leader,) = pair[1]["lost"]
    assert leader["end"].startswith("train.devices: one of 2 data-parallel processes has ended (")
    assert "See its own message, or free memory if it was killed." in leader["end"]

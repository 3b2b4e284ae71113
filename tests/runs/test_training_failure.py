"""Failures of a training whose cause is outside the program."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import latentclust
from latentclust.errors import RunFailedError
from latentclust.recipe.schema import Recipe
from latentclust.runs.run import resume
from latentclust.runs.training_failure import training_failure
from latentclust.train.events import NullListener, Record

SETTINGS = ("train.rounds=4", "train.checkpoint_every=1", "train.log_every=1", "evaluate.tsne=false")
STREAMED = (*SETTINGS, "data.resident=false", "data.workers=1")


class KillReader(NullListener):
    """Kills the processes that read images after the second round."""

    def on_record(self, record: Record) -> None:
        if record.round == 2:
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGKILL)
                child.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_killed_reader_fails_the_run_which_resumes_from_its_checkpoint(
    recipe: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(RunFailedError) as caught:
        latentclust.run(recipe("dccs"), STREAMED, out=out, device="cpu", listener=KillReader())
    (issue,) = caught.value.issues
    assert issue.where == "data.workers"
    assert issue.what.startswith("one of 1 processes that read images was killed (DataLoader worker")
    assert "lower data.workers or train.batch_size = " in issue.fix
    assert f"`latentclust run --resume {out}` continues from the last checkpoint" in issue.fix
    assert resume(out, device="cpu").result.metrics


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (MemoryError(), "train.batch_size"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "data.workers"),
        (RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]"), "train.devices"),
        (torch.distributed.DistBackendError("NCCL error"), "train.devices"),
        (RuntimeError("shapes do not match"), None),
    ],
)
def test_causes_are_told_from_bugs(tables: dict[str, object], tmp_path: Path, error: Exception, where: str) -> None:
    failure = training_failure(error, Recipe.model_validate_json(json.dumps(tables)), torch.device("cpu"), tmp_path)
    assert (failure.issues[0].where if failure else None) == where
    assert "--resume" not in str(failure)

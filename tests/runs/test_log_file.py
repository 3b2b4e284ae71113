"""The log file, and stop requests."""

from pathlib import Path

import pytest

from latentclust.errors import LatentclustError
from latentclust.runs.log_file import LogFile, read_log
from latentclust.train.events import Leg, NullListener, Record


def record(round_: int, loss: float = 0.5) -> Record:
    return Record(round_, 9, seconds=1.25, images_per_second=100.0, losses={"critic": loss})


def test_the_log_holds_a_line_a_record_to_the_last_bit(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "metrics.jsonl", NullListener())
    log.on_start(0, 9)
    log.on_record(record(3, 0.1 + 0.2))
    log.on_record(Record(6, 9, 2.0, 50.0, {"critic": 1.0}, {"accuracy": 0.75}))
    assert read_log(tmp_path / "metrics.jsonl") == [
        {"round": 3, "losses": {"critic": 0.1 + 0.2}, "precision": "fp32", "seconds": 1.25, "images_per_second": 100.0},
        {
            "round": 6,
            "losses": {"critic": 1.0},
            "oracle": {"accuracy": 0.75},
            "precision": "fp32",
            "seconds": 2.0,
            "images_per_second": 50.0,
        },
    ]


def test_a_line_has_the_sizes_of_clusters_and_counts_the_empty_ones_from_one(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "metrics.jsonl", NullListener())
    log.on_start(0, 9)
    log.on_record(Record(3, 9, 1.0, 1.0, {}, cluster_sizes=(97, 0, 3), cluster_means=(0.9, 0.0123456, 0.0876544)))
    (line,) = read_log(log.path)
    assert line["clusters"] == {"sizes": [97, 0, 3], "mean": [0.9, 0.01235, 0.08765], "empty": [2], "near_empty": [3]}


def test_a_resumed_log_drops_what_lies_beyond_the_checkpoint(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "metrics.jsonl", NullListener())
    log.on_start(0, 9)
    for round_ in (2, 4, 6):
        log.on_record(record(round_))
    with log.path.open("a") as file:
        file.write('{"round": 8, "lo')
    log.on_start(4, 9)
    assert [line["round"] for line in read_log(log.path)] == [2, 4]
    log.on_start(0, 9)
    assert read_log(log.path) == []


def test_a_log_of_starts_keeps_what_each_start_has_finished(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "metrics.jsonl", NullListener())
    log.on_leg(Leg(1, 2, chosen=False, progress={1: 0, 2: 0}))
    log.on_start(0, 4)
    for start, round_ in ((1, 2), (1, 4), (2, 2), (2, 3), (2, 4), (1, 6), (1, 8)):
        log.on_record(Record(round_, 9, 1.0, 50.0, start=start))
    log.on_leg(Leg(2, 2, chosen=False, progress={1: 6, 2: 3}))
    log.on_start(3, 4)
    kept = [(1, 2), (1, 4), (2, 2), (2, 3), (1, 6)]
    assert [(line["start"], line["round"]) for line in read_log(log.path)] == kept
    assert [line["round"] for line in log.of_start(1)] == [2, 4, 6]


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile(tmp_path / "metrics.jsonl", NullListener())
    log.on_start(0, 9)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(LatentclustError, match=r"metrics\.jsonl: cannot be written \(No space left on device\)"):
        log.on_record(record(3))


@pytest.mark.parametrize("bad", ["[]", "{}", "3", '{"round": "x"}', '{"round": -1}', "\x00\x01", "[" * 3000])
def test_a_damaged_line_is_named_unless_it_is_the_last(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"round": 1}}\n{bad}')
    assert read_log(path) == [{"round": 1}]
    path.write_text(f'{{"round": 1}}\n{bad}\n{{"round": 2}}\n')
    with pytest.raises(LatentclustError, match=r"metrics\.jsonl, line 2: is damaged"):
        read_log(path)

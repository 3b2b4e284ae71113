"""Progress, on a terminal and elsewhere."""

from io import StringIO

import pytest

from latentclust.cli.progress import BarProgress, LineProgress, format_losses, make_listener
from latentclust.cli.terminal import SafeConsole
from latentclust.train.events import Leg, Listener, Record


def train(listener: Listener, rounds: int, begin: int = 0) -> None:
    listener.on_start(begin, rounds)
    for round_ in range(begin + 1, rounds + 1):
        listener.on_record(Record(round_, rounds, (round_ - begin) * 0.01, 1234.0, {"critic": -0.5}))
    listener.on_end()


def test_plain_lines_come_once_in_a_twentieth_of_the_rounds():
    file = StringIO()
    train(LineProgress(SafeConsole(file=file, width=20)), 200)

    first, *rest = file.getvalue().splitlines()
    assert first == "training for 200 rounds"
    assert [line.split()[1] for line in rest] == [f"{round_}/200" for round_ in range(10, 201, 10)]
    assert rest[9] == "round 100/200  critic -0.5  1,234 images/s  1 s left"


def test_lines_name_the_stage():
    file = StringIO()
    lines = LineProgress(SafeConsole(file=file, width=20))
    lines.on_start(0, 2)
    lines.on_record(Record(1, 2, 1.0, 10.0, {"critic": 2.0}, stage="pretraining"))
    assert file.getvalue().splitlines()[1] == "round 1/2 (pretraining)  critic 2  10 images/s  1 s left"


def test_lines_count_empty_and_near_empty_clusters_until_they_recover():
    file = StringIO()
    lines = LineProgress(SafeConsole(file=file, width=20))
    lines.on_start(0, 3)
    for round_, sizes in enumerate([(97, 0, 3), (), (50, 20, 30)], start=1):
        lines.on_record(Record(round_, 3, 1.0, 10.0, {"critic": 2.0}, cluster_sizes=sizes))
    shown = [line.split("  ")[2:-2] for line in file.getvalue().splitlines()[1:]]
    assert shown == [["1 of 3 clusters empty", "1 of 3 clusters near-empty"]] * 2 + [[]]


def test_a_resumed_run_says_where_it_resumes_and_counts_time_from_there():
    file = StringIO()
    train(LineProgress(SafeConsole(file=file)), 200, begin=100)

    lines = file.getvalue().splitlines()
    assert lines[0] == "resuming after round 100 of 200"
    assert lines[1].endswith("1 s left")


def test_lines_are_led_by_the_seed():
    file = StringIO()
    lines = LineProgress(SafeConsole(file=file))
    train(lines.seed(7), 1)

    assert all(line.startswith("seed 7: ") for line in file.getvalue().splitlines())


def test_a_bar_shows_rounds_losses_and_throughput_and_leaves_no_trace():
    file = StringIO()
    console = SafeConsole(file=file, force_terminal=True, width=100)
    with BarProgress(console) as bar:
        bar.on_start(0, 40)
        bar.on_record(Record(10, 40, 1.0, 1234.0, {"critic": -0.5}))
        bar.bar.refresh()
        shown = file.getvalue()
        bar.on_end()

    assert "10/40" in shown
    assert "1,234 images/s" in shown
    assert "critic -0.5" in shown
    assert file.getvalue().endswith("\x1b[2K")  # the last line is erased


def test_a_follower_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LATENTCLUST_LEADER", "1")
    with make_listener() as watching:
        train(watching, 10)

    assert capsys.readouterr() == ("", "")


LEGS = (Leg(2, 4, chosen=False, progress={}), Leg(2, 4, chosen=True, progress={}))


def test_lines_name_the_start_and_the_decision():
    file = StringIO()
    lines = LineProgress(SafeConsole(file=file, width=20)).seed(7)
    for leg, begin, rounds in zip(LEGS, (0, 1), (1, 2), strict=True):
        lines.on_leg(leg)
        train(lines, rounds, begin)
        lines.on_decision("After round 1, start 2 goes on (…)")

    assert [line.partition("  ")[0] for line in file.getvalue().splitlines()] == [
        "seed 7: start 2 of 4: training for 1 rounds",
        "seed 7: start 2 of 4: round 1/1",
        "seed 7: After round 1, start 2 goes on (…)",
        "seed 7: start 2, chosen of 4: resuming after round 1 of 2",
        "seed 7: start 2, chosen of 4: round 2/2",
        "seed 7: After round 1, start 2 goes on (…)",
    ]


def test_a_bar_shows_the_start_and_keeps_decisions():
    file = StringIO()
    with BarProgress(SafeConsole(file=file, force_terminal=True, width=100)) as bar:
        bar.seed(7).on_leg(LEGS[0])
        bar.on_start(0, 40)
        bar.bar.refresh()
        bar.on_decision("After round 40, start 2 goes on")
        bar.on_leg(LEGS[1])
        bar.on_start(40, 80)
        bar.bar.refresh()

    assert "seed 7: start 2 of 4" in file.getvalue()
    assert "seed 7: After round 40, start 2 goes on\n" in file.getvalue()
    assert "seed 7: start 2, chosen of 4" in file.getvalue()


LOSSES = {
    "critic": -0.51234,
    "gradient-penalty": 0.1234,
    "adversarial": 12.345,
    "mutual-information": 1.386,
    "augmentation": 0.0123,
}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_loss_is_cut_whatever_the_width(width: int):
    file = StringIO()
    with BarProgress(SafeConsole(file=file, force_terminal=True, width=width)) as bar:
        bar.on_start(0, 40000)
        file.truncate(0)
        bar.on_record(Record(1000, 40000, 1.0, 1234.0, LOSSES, stage="first", cluster_sizes=(97, 0, 3)))
        bar.bar.refresh()
        shown = file.getvalue()
    for word in (*format_losses(LOSSES).split("  "), "first", "1 of 3 clusters empty", "1 of 3 clusters near-empty"):
        assert word in shown
    assert " 1000/40000" in shown
    assert "…" not in shown


def test_nothing_is_cut_in_a_pipe():
    file = StringIO()
    lines = LineProgress(SafeConsole(file=file, width=20))
    lines.on_start(0, 1)
    lines.on_record(Record(1, 1, 1.0, 10.0, LOSSES))
    assert format_losses(LOSSES) in file.getvalue()


def test_the_bar_moves_between_records_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr("latentclust.cli.progress.time.monotonic", lambda: clock[0])
    with BarProgress(SafeConsole(file=StringIO(), force_terminal=True, width=100)) as bar:
        bar.on_start(0, 40)
        seen = []
        for round_ in range(1, 11):
            clock[0] += 0.09
            bar.on_round(round_)
            seen.append(int(bar.bar.tasks[0].completed))
    assert seen == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10]


@pytest.mark.parametrize("kind", [BarProgress, LineProgress])
def test_a_request_to_stop_is_acknowledged_in_one_line(kind: type[BarProgress] | type[LineProgress]):
    file = StringIO()
    with kind(SafeConsole(file=file, force_terminal=kind is BarProgress, width=60)) as watching:
        watching.seed(7)
        watching.on_start(0, 40)
        watching.on_stop()
    said = "seed 7: stopping: finishing this round to save it, press Ctrl-C again to stop at once\n"
    assert said in file.getvalue()

"""Progress of phases, on a terminal and elsewhere."""

import re
from io import StringIO

import pytest

from latentclust.cli.phase_progress import SECONDS, PhaseBar, PhaseLines, format_seconds
from latentclust.cli.progress import BarProgress, LineProgress
from latentclust.cli.terminal import SafeConsole
from latentclust.phases import Phase, phases_of

READ = Phase("independent chains: reading out", 1_000.0, 70_000, "images")


def words(text: str) -> str:
    """The text of a terminal without its control codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_of_a_phase_is_cut_whatever_the_width(width: int):
    file = StringIO()
    with PhaseBar(SafeConsole(file=file, force_terminal=True, width=width)) as bar:
        bar.on_phase(READ)
    shown = words(file.getvalue())
    assert "1,000/70,000 images" in shown
    assert "0 s" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_the_bar_of_a_run_shows_phases_before_and_after_the_training_and_leaves_no_trace():
    file = StringIO()
    with BarProgress(SafeConsole(file=file, force_terminal=True, width=100)) as bar:
        phases_of(bar.seed(7)).begin("opening digits")
        bar.phases.refresh()
        bar.on_start(0, 40)
        bar.on_end()
        phases_of(bar).begin("fitting the inference").reach(1, 4)
        bar.phases.refresh()
    shown = words(file.getvalue())
    assert "seed 7: opening digits" in shown
    assert re.search(r"seed 7: fitting the inference .* 25%", shown)
    assert file.getvalue().endswith("\x1b[2K")  # the last line is erased


def test_lines_come_now_and_then_with_the_remaining_time_and_not_during_the_training(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr("latentclust.cli.phase_progress.time.monotonic", lambda: clock[0])
    file = StringIO()
    lines = PhaseLines(SafeConsole(file=file, width=20), "seed 7: ")
    count = phases_of(lines).begin("reading out", 300, "images")
    for _ in range(3):
        clock[0] += SECONDS / 2
        count.add(50)
        lines.print_if_due(clock[0])
    phases_of(lines).begin("drawing t-SNE maps of the codes")
    clock[0] += 65.0
    lines.print_if_due(clock[0])
    lines.pause()
    clock[0] += 65.0
    lines.print_if_due(clock[0])
    assert file.getvalue().splitlines() == [
        "seed 7: reading out: 100/300 images, 20 s left",
        "seed 7: drawing t-SNE maps of the codes, for 1:05",
    ]


def test_a_run_that_is_fast_prints_no_line_about_its_phases():
    file = StringIO()
    with LineProgress(SafeConsole(file=file, width=20)) as lines:
        phases_of(lines).begin("opening digits")
        lines.on_start(0, 1)
    assert file.getvalue() == "training for 1 rounds\n"


@pytest.mark.parametrize(("seconds", "text"), [(7.4, "7 s"), (59.6, "1:00"), (125.0, "2:05"), (3725.0, "1:02:05")])
def test_durations(seconds: float, text: str):
    assert format_seconds(seconds) == text

"""Phases: their names, what is counted, and listeners that do not hear them."""

from latentclust.phases import SILENT, Phase, Phases, phases_of
from latentclust.train.events import NullListener


def test_a_phase_is_told_when_it_begins_and_whenever_it_advances() -> None:
    told: list[Phase] = []
    phases = Phases(told.append).within("baseline kmeans")
    count = phases.begin("reading", 5, "images")
    assert list(count.each([[0, 0], [0, 0], [0]])) == [[0, 0], [0, 0], [0]]
    assert {(phase.name, phase.total, phase.unit) for phase in told} == {("baseline kmeans: reading", 5, "images")}
    assert [phase.done for phase in told] == [0, 2, 4, 5]
    phases.within("again").begin("fitting").reach(3, 4)
    assert told[-1] == Phase("baseline kmeans: again: fitting", 3.0, 4)


def test_a_part_of_a_batch_is_told_but_not_counted() -> None:
    told: list[Phase] = []
    count = Phases(told.append).begin("reading out", 30, "images")
    count.add(10)
    count.part(20)(1, 4)
    count.add(20)
    assert [phase.done for phase in told] == [0, 10, 15, 30]


def test_other_listeners_hear_nothing() -> None:
    assert phases_of(NullListener()) is phases_of(None) is SILENT

"""The protocol line that is shown with every score."""

from latentclust.evaluate.protocol import Protocol


def test_one_line_says_everything() -> None:
    line = str(Protocol("digits-all", "digits", "all 1,797", "all 1,797", 10))
    assert line == (
        "digits-all: digits, trained on all 1,797, tested on all 1,797, 10 clusters, "
        "hungarian one-to-one matching, NMI by the arithmetic mean"
    )

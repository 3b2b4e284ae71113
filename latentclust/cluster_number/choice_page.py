"""The page of a choice, choose-k.html."""

import base64

from latentclust.cluster_number.choice import TERMS, Choice
from latentclust.report.page.page import Page
from latentclust.report.page.sections.generated import DrawnPart, DrawnRow, Generated
from latentclust.report.page.sections.scores import Scores, ScoreTable

WIDE = (
    ".drawn-parts { display: block; } .drawn img { width: 68rem; max-width: 100%; height: auto; max-height: none; "
    "image-rendering: auto; background: white; } td { white-space: nowrap; }"
)
"""The chart has the width of the page, unlike drawn images, and a score stands on one line."""

CHART_TEXT = "Scores by the number of clusters; the table has the same numbers"


def choice_page(choice: Choice, chart: bytes) -> Page:
    """Return the page of a choice.

    Args:
        choice: The result.
        chart: The chart as PNG.
    """
    header, rows = choice.cells()
    picture = f"data:image/png;base64,{base64.b64encode(chart).decode()}"
    drawn = DrawnPart("Scores.", "The suggested numbers are shaded.", [DrawnRow("", picture, CHART_TEXT)])
    caption = "Mean and standard deviation over trainings or pairs of them"
    return Page(
        title=f"Number of clusters of {choice.recipe}",
        subtitle=choice.basis(),
        verdict=(choice.suggestion.sentence, *choice.others()),
        alarms=tuple(choice.warnings()),
        css=WIDE,
        sections=(
            Generated(key="chart", title="Chart", parts=[drawn], note=""),
            Scores(tables=[ScoreTable(caption, header, rows)], sentences=[], terms=list(TERMS.items())),
        ),
    )

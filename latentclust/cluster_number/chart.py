"""The chart of a choice: its scores by the number of clusters."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentclust.cluster_number.choice import Choice
from latentclust.cluster_number.k_scores import Spread
from latentclust.evaluate.prediction_strength import STRONG
from latentclust.report.colours import PALETTE
from latentclust.report.plotting import RAW, SMOOTH, hide_spines, new_figure

OWN, OTHER = PALETTE[0], PALETTE[1]


def choice_chart(choice: Choice) -> Figure:
    """Return the chart: stability, prediction strength and occupied clusters above; below, k-means and the criterion.

    The suggested numbers are shaded.
    """
    figure = new_figure(11.0, 5.6)
    panels = figure.subplots(2, 3)
    _stability(panels[0, 0], choice)
    _strength(panels[0, 1], choice)
    _occupied(panels[0, 2], choice)
    _silhouette(panels[1, 0], choice)
    _gap(panels[1, 1], choice)
    _criterion(panels[1, 2], choice)
    for axes in (axes for axes in panels.flat if axes.axison):
        axes.set_xlabel("clusters")
        axes.set_xticks([score.clusters for score in choice.scores])
        axes.tick_params(axis="x", labelsize="small")
        hide_spines(axes)
        if choice.clusters:
            axes.axvspan(choice.clusters[0] - 0.4, choice.clusters[-1] + 0.4, color=RAW, alpha=0.25, linewidth=0)
    return figure


def _stability(axes: Axes, choice: Choice) -> None:
    axes.set_title("agreement of two trainings (ARI)", fontsize="medium")
    _curve(axes, choice, [score.subsamples for score in choice.scores], OWN, "o", "overlapping subsamples")
    _curve(axes, choice, [score.same_data for score in choice.scores], OTHER, "s", "same images")
    chance = [score.chance for score in choice.scores]
    numbers = [score.clusters for score in choice.scores]
    axes.plot(numbers, chance, color="black", linestyle=":", linewidth=1.2, label="k-means of random points")
    axes.legend(frameon=False, fontsize="small")


def _strength(axes: Axes, choice: Choice) -> None:
    axes.set_title("prediction strength", fontsize="medium")
    _curve(axes, choice, [score.strength for score in choice.scores], OWN, "o")
    axes.axhline(STRONG, color="black", linestyle=":", linewidth=1.2)
    axes.set_ylim(-0.02, 1.02)


def _occupied(axes: Axes, choice: Choice) -> None:
    axes.set_title("occupied and used clusters", fontsize="medium")
    numbers = [score.clusters for score in choice.scores]
    axes.plot(numbers, numbers, color="black", linestyle=":", linewidth=1.2)
    _curve(axes, choice, [score.occupied for score in choice.scores], OWN, "o", "occupied")
    _curve(axes, choice, [score.used for score in choice.scores], OTHER, "s", "used")
    axes.legend(frameon=False, fontsize="small")


def _silhouette(axes: Axes, choice: Choice) -> None:
    axes.set_title(f"silhouette of k-means on {choice.points}", fontsize="medium")
    values = [(score.clusters, score.kmeans.silhouette) for score in choice.scores]
    known = [(number, value) for number, value in values if value is not None]
    axes.plot([number for number, _ in known], [value for _, value in known], color=SMOOTH, marker="o", markersize=4)


def _gap(axes: Axes, choice: Choice) -> None:
    axes.set_title(f"gap statistic of k-means on {choice.points}", fontsize="medium")
    gaps = [score.kmeans.gap for score in choice.scores]
    errors = [score.kmeans.gap_error for score in choice.scores]
    numbers = [score.clusters for score in choice.scores]
    axes.errorbar(numbers, gaps, errors, color=SMOOTH, marker="o", markersize=4, capsize=2)


def _criterion(axes: Axes, choice: Choice) -> None:
    if choice.criterion is None:
        axes.set_axis_off()
        return
    axes.set_title(f"criterion {choice.criterion}", fontsize="medium")
    _curve(axes, choice, [score.criterion for score in choice.scores], OWN, "o")


def _curve(
    axes: Axes, choice: Choice, spreads: Sequence[Spread | None], colour: str, marker: str, label: str | None = None
) -> None:
    """Draw means with their standard deviations."""
    known = [(score.clusters, spread) for score, spread in zip(choice.scores, spreads, strict=True) if spread]
    axes.errorbar(
        [number for number, _ in known],
        [spread.mean for _, spread in known],
        [spread.std or 0.0 for _, spread in known],
        color=colour,
        marker=marker,
        markersize=4,
        capsize=2,
        label=label,
    )

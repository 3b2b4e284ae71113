"""The tables of `results/clustering-*.json` beside the papers: `python benchmarks/tables.py` prints Markdown."""

import json
from pathlib import Path
from typing import Any

PAPERS = {
    "pendigits-clustergan": "purity .77, NMI .73 (best of 5)",
    "pendigits-dls": "purity .847, NMI .803 (best of 5)",
    "mnist-dccs": "ACC .989, NMI .970",
    "fashion-dccs": "ACC .756, NMI .704",
}
METRICS = ("accuracy", "purity", "nmi", "ari")
MAP_METRICS = ("miou", "accuracy", "macro-accuracy", "nmi")
BESIDE = {
    "pixel-kmeans": "pixels",
    "local-statistics-kmeans": "local statistics",
    "features-kmeans": "ImageNet features",
    "majority": "majority class",
}
"""The baselines of label maps."""


def main() -> None:
    """Prints a row for each file of results: those of images, then those of label maps."""
    paths = sorted((Path(__file__).parent / "results").glob("clustering-*.json"))
    found = {path.stem.removeprefix("clustering-"): json.loads(path.read_text()) for path in paths}
    maps = {name: result for name, result in found.items() if "miou" in result["mean"]}
    print("| recipe | seeds | ACC | purity | NMI | ARI | k-means ACC / purity / NMI | paper | s a run |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |")
    for name in (name for name in found if name not in maps):
        print(row([name, *scores(found[name], METRICS), kmeans(found[name]), paper(found[name]), spent(found[name])]))
    print()
    print(f"| recipe | seeds | mIoU | ACC | macro ACC | NMI | {' | '.join(BESIDE.values())} | s a run |")
    print("| --- |" + " ---: |" * (len(MAP_METRICS) + len(BESIDE) + 2))
    for name, result in maps.items():
        beside = [number(result["baselines"].get(baseline, {}), "miou") for baseline in BESIDE]
        print(row([name, *scores(result, MAP_METRICS), *beside, spent(result)]))


def scores(result: dict[str, Any], metrics: tuple[str, ...]) -> list[str]:
    """How many seeds, and mean and deviation of each metric."""
    collapsed = f" ({len(result['collapsed'])} collapsed)" if result["collapsed"] else ""
    deviation = result["std"] or {}
    return [
        f"{len(result['seeds'])}{collapsed}",
        *(f"{result['mean'][m]:.3f}" + (f" ± {deviation[m]:.3f}" if m in deviation else "") for m in metrics),
    ]


def kmeans(result: dict[str, Any]) -> str:
    """The scores of k-means on the same images."""
    found = result["baselines"].get("kmeans", {})
    return " / ".join(number(found, metric) for metric in ("accuracy", "purity", "nmi")) if found else "–"


def paper(result: dict[str, Any]) -> str:
    """What the paper has."""
    return PAPERS.get(result["recipe"], "–")


def spent(result: dict[str, Any]) -> str:
    """Mean seconds a run."""
    return f"{sum(result['seconds']) / len(result['seconds']):.0f}"


def number(found: dict[str, float], metric: str) -> str:
    """A score, or a dash."""
    return f"{found[metric]:.3f}" if metric in found else "–"


def row(cells: list[str]) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

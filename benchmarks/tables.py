"""The table of `results/clustering-*.json` beside the papers: `python benchmarks/tables.py` prints Markdown."""

import json
from pathlib import Path

PAPERS = {
    "pendigits-clustergan": "purity .77, NMI .73 (best of 5)",
    "pendigits-dls": "purity .847, NMI .803 (best of 5)",
    "mnist-dccs": "ACC .989, NMI .970",
    "fashion-dccs": "ACC .756, NMI .704",
}
METRICS = ("accuracy", "purity", "nmi", "ari")


def main() -> None:
    """Prints a row for each file of results."""
    print("| recipe | seeds | ACC | purity | NMI | ARI | k-means ACC / purity / NMI | paper | s a run |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |")
    for path in sorted((Path(__file__).parent / "results").glob("clustering-*.json")):
        found = json.loads(path.read_text())
        name = path.stem.removeprefix("clustering-")
        deviation = found["std"] or {}
        cells = [f"{found['mean'][m]:.3f}" + (f" ± {deviation[m]:.3f}" if m in deviation else "") for m in METRICS]
        kmeans = found["baselines"].get("kmeans", {})
        beside = " / ".join(f"{kmeans[m]:.3f}" for m in ("accuracy", "purity", "nmi")) if kmeans else "–"
        seconds = sum(found["seconds"]) / len(found["seconds"])
        collapsed = f" ({len(found['collapsed'])} collapsed)" if found["collapsed"] else ""
        paper = PAPERS.get(found["recipe"], "–")
        row = [name, f"{len(found['seeds'])}{collapsed}", *cells, beside, paper, f"{seconds:.0f}"]
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()

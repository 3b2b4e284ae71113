"""Write the tables of the pages in docs/ from `results/*.json`: `python benchmarks/tables.py [--write]`.

Without `--write` the tables are printed. A page has a table between the comments `<!-- table: NAME -->` and
`<!-- end -->`. tests/docs/test_results.py fails if a page is out of date.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paper_tables.rendering import markdown

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (ROOT / "docs" / "results.md", ROOT / "docs" / "how-to" / "label-scenes.md")

PAPERS = {
    ("clustergan-pendigits", "clustergan"): "purity .77, NMI .73 (best of 5)",
    ("dls-pendigits-1000", "dls"): "purity .847, NMI .803 (best of 5)",
    ("clustergan-mnist", "clustergan"): "purity .95, NMI .89 (best of 5)",
    ("clustergan-fashion", "clustergan"): "purity .63, NMI .64 (best of 5)",
    ("dls-mnist-5000", "dls"): "purity .975, NMI .936 (best of 5)",
    ("dls-fashion-5000", "dls"): "purity .693, NMI .669 (best of 5)",
    ("clustergan-fashion5", "clustergan5"): "purity .73, NMI .59 (best of 5)",
    ("clustergan-10x-73k", "clustergan"): "purity .81, NMI .73 (best of 5)",
    ("dls-10x-73k-5000", "dls"): "purity .905, NMI .820 (best of 5)",
    ("ytf-all-all", "dls"): "purity .721, NMI .790 (best of 5)",
    ("coil100-all-all", "dls"): "purity .822, NMI .911",
    ("mnist-train-test", "cgm"): "ACC .9835",
    ("cgm-svhn", "cgm"): "ACC .8515",
    ("stl10-train-test", "cgm"): "ACC .7530",
    ("cifar10-all-all", "dccs"): "ACC .656, NMI .569",
    ("stl10-all-all", "dccs"): "ACC .536, NMI .490",
    ("imagenet10-all-all", "dccs"): "ACC .737, NMI .640",
    ("mnist-all-all", "dccs"): "ACC .989, NMI .970",
    ("fashion-mnist-all-all", "dccs"): "ACC .756, NMI .704",
}
"""Figures of the papers, by the protocol that they are measured by and the system."""

METRICS = ("accuracy", "purity", "nmi", "ari")
MAP_METRICS = ("miou", "accuracy", "macro-accuracy", "nmi")
SCENE_METRICS = ("accuracy", "macro-accuracy", "miou", "nmi", "ari")
BASELINES = {
    "pixel-kmeans": "pixels",
    "local-statistics-kmeans": "local statistics",
    "features-kmeans": "ImageNet features",
    "majority": "majority class",
}
"""Columns of the baselines of label maps."""

MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Print the tables, or write them into the pages."""
    if "--write" in sys.argv[1:]:
        for page in PAGES:
            page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        return
    for name, lines in TABLES.items():
        print(f"{name}\n\n" + "\n".join(lines()) + "\n")


def filled(text: str) -> str:
    """Return a page with its tables as the results are now."""
    return MARKED.sub(lambda found: "\n".join((found[1], *TABLES[found[2]](), "", found[3])), text)


def images() -> Iterator[str]:
    """Yield the lines of the tables of image clusterings, one for each protocol."""
    found = {name: result for name, result in _clusterings().items() if "miou" not in result["mean"]}
    for number, protocol in enumerate(sorted({result["protocol"] for result in found.values()})):
        name, _, rest = protocol.partition(": ")
        yield from ([""] if number else [])
        yield f"**{name}**: {rest}."
        yield ""
        lost, kmeans = "worst ACC | empty clusters", "k-means ACC / purity / NMI"
        yield f"| recipe | seeds | ACC | purity | NMI | ARI | {lost} | {kmeans} | paper | seconds per run |"
        yield "| --- |" + " ---: |" * 8 + " --- | ---: |"
        for key, result in found.items():
            if result["protocol"] == protocol:
                paper = PAPERS.get((name, _system(result["recipe"])), "–")
                scores = [*_scores(result, METRICS), _worst(result, "accuracy"), _empty(result)]
                yield _row([_link(key), _seeds(result), *scores, _kmeans(result), paper, _seconds(result)])


def label_maps() -> Iterator[str]:
    """Yield the lines of the table of label maps."""
    lost = "worst mIoU | empty clusters"
    baselines = " | ".join(BASELINES.values())
    yield f"| recipe | seeds | mIoU | ACC | macro ACC | NMI | {lost} | {baselines} | seconds per run |"
    yield "| --- |" + " ---: |" * (len(MAP_METRICS) + len(BASELINES) + 4)
    for name, result in _clusterings().items():
        if "miou" in result["mean"]:
            scores = [*_scores(result, MAP_METRICS), _worst(result, "miou"), _empty(result)]
            scores += [_score(result["baselines"].get(one, {}), "miou") for one in BASELINES]
            yield _row([_link(name), _seeds(result), *scores, _seconds(result)])


def variants(file: str, metrics: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of the table of a recipe's variants."""
    yield f"| variant | {' | '.join(heads)} |"
    yield "| --- |" + " ---: |" * len(metrics)
    for name, result in _read(file)["results"].items():
        yield _row([name, *_scores(result, metrics)])


def dec() -> Iterator[str]:
    """Yield the lines of the table of DEC and IDEC compared with ClustPy."""
    yield "| system | implementation | ACC | purity | NMI | ARI |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    result = _read("dec-digits")
    for system in ("dec", "idec"):
        for name, implementation in (("latentclust-dec", "latentclust"), ("ClustPy", "clustpy")):
            yield _row([system.upper(), name, *_scores(result[system][implementation], METRICS)])


def scene() -> Iterator[str]:
    """Yield the lines of the table of a scene compared with a reference."""
    results = _read("landsat7")["results"]
    baselines = results["landsat7"]["baselines"]
    names = {"pixel-kmeans": "k-means of pixels", "local-statistics-kmeans": "k-means of local statistics"}
    yield "| | ACC | macro ACC | mIoU | NMI | ARI |"
    yield "|---|---:|---:|---:|---:|---:|"
    for recipe, result in results.items():
        yield _row([f"`{recipe}`", *_scores(result, SCENE_METRICS)])
    for baseline, name in (names | {"majority": "majority class"}).items():
        yield _row([name, *(_score(baselines[baseline], metric) for metric in SCENE_METRICS)])


def normalisation() -> Iterator[str]:
    """Yield the lines of the table of fits of gain and offset: the largest errors, with one band and with more."""
    fits = {"normalise-to": "`--normalise-to`", "IR-MAD": "IR-MAD", "all pixels": "all pixels"}
    yield f"| change | {' | '.join(f'{name}, 1 band | 4 bands' for name in fits.values())} |"
    yield "| --- |" + " ---: |" * (2 * len(fits))
    for kind, errors in _read("normalisation")["errors"].items():
        cells = [max(errors[fit][f"{count} bands"].values()) for fit in fits for count in (1, 4)]
        yield _row([kind, *(f"{value:.1f}" for value in cells)])


def ceilings() -> Iterator[str]:
    """Yield the lines of the table of the ceilings of feature spaces of pixels."""
    methods = ("k-means", "mixture, tied", "mixture, full", "nearest mean", "linear")
    heads = [head for method in methods for head in (method, "regions")]
    yield f"| data | space | {' | '.join(heads)} |"
    yield "| --- | --- |" + " ---: |" * len(heads)
    for data, spaces in _read("pixel_ceilings")["results"].items():
        for space, found in spaces.items():
            yield _row([data, space, *(f"{found[m + after]:.3f}" for m in methods for after in ("", ", regions"))])


def contrast() -> Iterator[str]:
    """Yield the lines of the table of mixtures smoothed with and without contrast."""
    results = _read("contrast")["results"]
    names = list(results)
    yield f"| coupling | {' | '.join(f'{name} ACC | {name} mIoU' for name in names)} |"
    yield "| --- |" + " ---: |" * (2 * len(names))
    for setting in results[names[0]]:
        found = [results[name][setting][metric] for name in names for metric in ("accuracy", "miou")]
        yield _row([setting, *(f"{mean:.3f} ± {std:.3f}" for mean, std in found)])


def rehearsals() -> Iterator[str]:
    """Yield the lines of the table of the recipes that are rehearsed on the data at hand."""
    heads = " | ".join(BASELINES.values())
    yield f"| recipe | seeds | mIoU | ACC | worst mIoU | empty clusters | {heads} | CPU seconds a seed | peak GiB |"
    yield "| --- |" + " ---: |" * (7 + len(BASELINES))
    for name, found in _read("rehearsals")["results"].items():
        count = len(found["seeds"])
        means = [f"{sum(found['metrics'][metric]) / count:.3f}" for metric in ("miou", "accuracy")]
        beside = [f"{sum(found['baselines'][one]['miou']) / count:.3f}" for one in BASELINES]
        empty = str(sum(found["empty_clusters"]))
        cost = [f"{found['cpu_seconds'] / count:.0f}", f"{found['peak_gib']:.1f}"]
        yield _row([name, str(count), *means, f"{found['worst_miou']:.3f}", empty, *beside, *cost])


def papers() -> Iterator[str]:
    """Yield the tables of the papers that `papers.py` has results of."""
    for number, path in enumerate(sorted(RESULTS.glob("papers-*.json"))):
        yield from ([""] if number else [])
        yield from markdown(_read(path.stem), source=f"../benchmarks/results/{path.name}")


TABLES = {
    "images": images,
    "label-maps": label_maps,
    "cgm": lambda: variants("cgm_means", METRICS, ("ACC", "purity", "NMI", "ARI")),
    "dec": dec,
    "dubai5": lambda: variants("dubai5_variants", MAP_METRICS, ("mIoU", "ACC", "macro ACC", "NMI")),
    "scene": scene,
    "normalisation": normalisation,
    "ceilings": ceilings,
    "contrast": contrast,
    "rehearsals": rehearsals,
    "papers": papers,
}
"""The tables by the name in a page's comment."""


def _clusterings() -> dict[str, Any]:
    """Return the results of `clustering.py` by the name of their file."""
    paths = sorted(RESULTS.glob("clustering-*.json"))
    found = {path.stem.removeprefix("clustering-"): json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return dict(sorted(found.items()))


def _system(recipe: str) -> str:
    """Return the system in the name of a recipe, such as `dls` in `coil20-dls-paper`."""
    return recipe.removesuffix("-paper").rpartition("-")[2]


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _link(name: str) -> str:
    return f"[{name}](../benchmarks/results/clustering-{name}.json)"


def _seeds(result: dict[str, Any]) -> str:
    collapsed = f" ({len(result['collapsed'])} collapsed)" if result["collapsed"] else ""
    return f"{len(result['seeds'])}{collapsed}"


def _scores(result: dict[str, Any], metrics: tuple[str, ...]) -> list[str]:
    """Return the mean of each metric, with its standard deviation if there are several seeds."""
    deviation = result.get("std") or {}
    return [
        f"{result['mean'][metric]:.3f}" + (f" ± {deviation[metric]:.3f}" if metric in deviation else "")
        for metric in metrics
    ]


def _worst(result: dict[str, Any], metric: str) -> str:
    """Return the lowest score of a seed. A single seed has none."""
    return f"{min(result['metrics'][metric]):.3f}" if len(result["seeds"]) > 1 else "–"


def _empty(result: dict[str, Any]) -> str:
    """Return the number of empty clusters of each seed that has any; a dash for results that do not record it."""
    if "empty_clusters" not in result:
        return "–"
    counts = zip(result["seeds"], result["empty_clusters"], strict=True)
    return ", ".join(f"{count} (seed {seed})" for seed, count in counts if count) or "0"


def _kmeans(result: dict[str, Any]) -> str:
    baselines = result["baselines"]
    found = baselines.get("kmeans") or baselines.get("kmeans-on-features", {})
    return " / ".join(_score(found, metric) for metric in ("accuracy", "purity", "nmi")) if found else "–"


def _seconds(result: dict[str, Any]) -> str:
    return f"{sum(result['seconds']) / len(result['seconds']):.0f}"


def _score(found: dict[str, float], metric: str) -> str:
    return f"{found[metric]:.3f}" if metric in found else "–"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

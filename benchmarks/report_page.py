"""Measure report.html of a run of images: `python benchmarks/report_page.py [--clusters 100] [--data mnist]`.

The data set comes from LATENTCLUST_DATA. There is no training: the cluster probabilities are a softmax of
distances to centroids of k-means on a part of the images. Measured are the CPU time of one thread that the page takes
beyond the figures (with the t-SNE, which both share, apart), the size of the page, and in headless Chromium the time
until it is drawn, the memory of its scripts before and after all sections were scrolled to, and the number of requests.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from provenance import write
from sklearn.cluster import MiniBatchKMeans

from latentclust.data.roots import data_roots
from latentclust.evaluate.clustering import score_clustering
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT
from latentclust.report.facts import RunFacts
from latentclust.report.page.page import write_page
from latentclust.runs.code_maps import map_codes
from latentclust.runs.draw_figures import draw_figures
from latentclust.runs.image_page import image_page
from latentclust.runs.report_facts import recipe_protocol
from latentclust.runs.run import load_resolved_recipe
from latentclust.specs.data import ImageSet
from latentclust.tensors import Posterior

ROUNDS, LOSSES = 2000, 6
"""Length and number of the loss curves."""

SCALE = 40.0
"""Factor of the squared distances, per pixel, whose softmax is the posterior."""


def main() -> None:
    """Measure and write benchmarks/results/report_page.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clusters", type=int, default=100)
    parser.add_argument("--data", default="mnist")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = [f"prior.clusters={options.clusters}", f"data={{use='{options.data}'}}"]
    resolved = load_resolved_recipe("mnist-dccs", settings)
    tested = resolved.dataset.open(data_roots())
    model = ClusteringModel(resolved, tested.source.shape, {}, {})
    posterior = cluster(tested, options.clusters)
    facts = made_facts(model, tested, posterior)
    with tempfile.TemporaryDirectory() as folder:
        findings = measure(Path(folder), model, tested, posterior, facts)
    print(
        write(
            "report_page", {"data": options.data, "images": len(tested.source), "clusters": options.clusters} | findings
        )
    )
    print(findings)


def cluster(tested: ImageSet, clusters: int) -> Posterior:
    """Return a posterior by distances to centroids."""
    count = len(tested.source)
    images = tested.source.read(np.arange(count)).reshape(count, -1).astype(np.float32) / 255
    found = MiniBatchKMeans(clusters, random_state=0, n_init=1, batch_size=2048).fit(images[:: max(count // 20_000, 1)])
    distances = found.transform(images).astype(np.float32) ** 2 / images.shape[1]
    return Posterior(torch.from_numpy(-SCALE * distances).softmax(dim=1), torch.zeros(count, 0))


def made_facts(model: ClusteringModel, tested: ImageSet, posterior: Posterior) -> RunFacts:
    """Return facts with true scores and random losses."""
    metrics = model.resolved.metrics
    scores = score_clustering(posterior.labels.numpy(), tested.labels, model.clusters, metrics, len(tested.classes))
    rng = np.random.default_rng(0)
    history = [
        {"round": float(at + 1)} | {f"loss-{number}": float(rng.random()) for number in range(LOSSES)}
        for at in range(ROUNDS)
    ]
    return RunFacts(
        recipe=model.resolved.recipe.name,
        recipe_text=model.resolved.loaded.text,
        protocol=recipe_protocol(model.resolved, tested),
        seed=0,
        device="cpu",
        seconds=0.0,
        versions=model.resolved.distributions,
        clusters=model.clusters,
        occupancy=scores.occupancy,
        selection="none.",
        metrics=scores.metrics,
        table=scores.table,
        matching=scores.matching,
        classes=tested.classes,
        history=history,
        confidence=float(posterior.confidence.mean()),
    )


def measure(
    folder: Path, model: ClusteringModel, tested: ImageSet, posterior: Posterior, facts: RunFacts
) -> dict[str, object]:
    """Return seconds of CPU time, bytes, and what the browser says."""
    started = time.process_time()
    codes = map_codes(model, posterior, facts, SILENT)
    mapped = time.process_time()
    draw_figures(folder, model, tested, posterior, facts, None, codes)
    drawn = time.process_time()
    path = write_page(folder / "report.html", image_page(model, tested, posterior, facts, codes))
    written = time.process_time()
    return {
        "tsne_cpu_seconds": round(mapped - started, 2),
        "figures_cpu_seconds": round(drawn - mapped, 2),
        "page_cpu_seconds": round(written - drawn, 2),
        "page_bytes": path.stat().st_size,
        "browser": in_browser(path),
    }


def in_browser(path: Path) -> dict[str, object]:
    """Return what a headless Chromium needs for a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        session = page.context.new_cdp_session(page)
        started = time.perf_counter()
        page.goto(path.as_uri())
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seconds = time.perf_counter() - started
        before = session.send("Runtime.getHeapUsage")["usedSize"]
        for section in page.locator("main > section").all():
            section.scroll_into_view_if_needed()
            page.wait_for_timeout(300)
        after = session.send("Runtime.getHeapUsage")["usedSize"]
        elements = page.evaluate("document.querySelectorAll('*').length")
        browser.close()
    return {
        "seconds_until_drawn": round(seconds, 2),
        "script_bytes_at_first": before,
        "script_bytes_after_all_sections": after,
        "elements": elements,
        "requests_after_the_page": len([url for url in requests if not url.startswith("data:")]) - 1,
    }


if __name__ == "__main__":
    main()

"""Display names of metrics, baselines, clusters and classes."""

import numpy as np

from latentclust.plugins.discovery import BUNDLED
from latentclust.plugins.registry import Registry
from latentclust.report.display_names import MEANINGS, TITLES, class_names, cluster_names, display_name, isolate


def test_clusters_count_from_one_and_bear_their_class() -> None:
    assert cluster_names(3, np.array([1, -1, 0]), ("cat", "dog")) == ["cluster 1: dog", "cluster 2", "cluster 3: cat"]
    assert cluster_names(2) == ["cluster 1", "cluster 2"]


def test_unknown_classes_go_by_their_number() -> None:
    assert class_names((), 2) == ["class 0", "class 1"]
    assert cluster_names(1, np.array([4])) == ["cluster 1: class 4"]


def test_a_part_without_a_usual_term_keeps_its_name() -> None:
    assert (display_name("kmeans"), display_name("someones-metric")) == ("k-means", "someones-metric")


def test_a_baseline_of_a_network_is_named_by_it() -> None:
    assert display_name("kmeans-on-encoder") == "k-means on encoder"
    assert display_name("someones-on-encoder") == "someones-on-encoder"


def test_every_bundled_metric_has_its_term_and_its_meaning(registry: Registry) -> None:
    metrics = {part.name for part in registry.parts("metric") if part.provider.distribution == BUNDLED}
    assert metrics <= TITLES.keys()
    assert metrics <= MEANINGS.keys()


def test_every_bundled_baseline_has_its_term(registry: Registry) -> None:
    baselines = {part.name for part in registry.parts("baseline") if part.provider.distribution == BUNDLED}
    assert baselines <= TITLES.keys()


def test_an_isolated_name_cannot_end_its_isolate() -> None:
    assert isolate("\u2069\u202eabc\u2067") == "\u2068\u202eabc\u2069"

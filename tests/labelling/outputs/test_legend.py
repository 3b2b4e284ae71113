"""Legends of clusters and of classes."""

from dataclasses import replace

import numpy as np
import pytest

from latentclust.labelling.outputs.legend import Legend, LegendEntry, default_palette
from latentclust.model.model import ClusteringModel

OWN = default_palette(4)


@pytest.fixture
def named(planted: ClusteringModel) -> ClusteringModel:
    return replace(planted, names={2: "ice", 3: "water", 4: "ice"}, colours={"water": "#0a0bff"})


def test_a_cluster_has_its_name_and_the_colour_of_its_class_or_its_own(named: ClusteringModel) -> None:
    assert Legend.from_clusters(named).entries == (
        LegendEntry(0, "no data", (0, 0, 0, 0), (0,)),
        LegendEntry(1, "cluster 1", OWN[1], (1,)),
        LegendEntry(2, "ice", OWN[2], (2,)),
        LegendEntry(3, "water", (10, 11, 255, 255), (3,)),
        LegendEntry(4, "ice", OWN[4], (4,)),
    )
    np.testing.assert_array_equal(Legend.from_clusters(named).lookup(), range(5))


def test_classes_count_from_one_in_the_order_of_their_first_cluster(named: ClusteringModel) -> None:
    legend = Legend.from_classes(named)
    assert legend.entries == (
        LegendEntry(0, "no data", (0, 0, 0, 0), (0,)),
        LegendEntry(1, "cluster 1", OWN[1], (1,)),
        LegendEntry(2, "ice", OWN[2], (2, 4)),
        LegendEntry(3, "water", (10, 11, 255, 255), (3,)),
    )
    np.testing.assert_array_equal(legend.lookup(), [0, 1, 2, 3, 2])
    assert legend.as_json()[1] == {"value": 2, "name": "ice", "colour": legend.entries[2].hex, "clusters": [2, 4]}


def test_without_names_both_are_the_clusters_in_their_own_colours(planted: ClusteringModel) -> None:
    assert Legend.from_clusters(planted) == Legend.from_classes(planted)
    assert Legend.from_clusters(planted).palette == OWN


def test_a_raster_of_more_than_255_values_takes_two_bytes() -> None:
    entries = tuple(LegendEntry(value, str(value), (0, 0, 0, 255), (value,)) for value in range(257))
    assert Legend(entries[:256]).dtype == np.uint8
    assert Legend(entries).dtype == Legend(entries).lookup().dtype == np.uint16


def test_palette_of_clusters() -> None:
    assert OWN[0] == (0, 0, 0, 0)
    assert OWN[1] == (0x3F, 0x90, 0xDA, 255)
    assert len({OWN[cluster] for cluster in OWN}) == 5

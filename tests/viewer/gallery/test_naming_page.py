"""Names on the page of the map: into the model file and the legend, and after an update into the rasters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from latentclust.model.model_file import load
from latentclust.viewer.session import Session, ViewedScene
from tests.browser import OpenPageIn
from tests.labelling.planted import read_band
from tests.viewer.gallery.conftest import Serve

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),  # of rasterio
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_names_go_into_the_model_the_legend_and_the_rasters(
    labels: Session, serve: Serve, open_page: OpenPageIn, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    raster = tmp_path / "out" / "scene.tif"
    before = read_band(raster)
    opened = open_page(serve(replace(labels, scenes=(ViewedScene("scene", None, {"labels": raster}),))))
    page = opened.page
    expect(page.locator("#legend .name")).to_have_text(["cluster 1", "cluster 2", "cluster 3", "cluster 4"])
    page.locator(".naming summary").press("Enter")
    page.get_by_label("Name of cluster 1").fill("<b>water")
    page.get_by_label("Merge cluster 3 into").focus()
    page.get_by_label("Merge cluster 3 into").select_option("1")
    page.get_by_label("Colour of cluster 3").fill("#0a0bff")
    assert page.get_by_label("Colour of cluster 1").input_value() == "#0a0bff"
    assert page.locator("#apply-start").is_disabled()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator("#legend .name")).to_have_text(["<b>water", "cluster 2", "<b>water", "cluster 4"])
    assert labels.model is not None
    assert (load(labels.model).names, load(labels.model).colours) == (
        {1: "<b>water", 3: "<b>water"},
        {"<b>water": "#0a0bff"},
    )
    assert "water" not in raster.with_name("scene.tif.aux.xml").read_text()
    page.locator("#apply-start").press("Enter")
    expect(page.locator("#apply-status")).to_have_text("Updated 2 rasters with 3 classes.", timeout=60_000)
    assert "<Category>&lt;b&gt;water</Category>" in raster.with_name("scene.tif.aux.xml").read_text()
    with rasterio.open(raster) as file:
        assert file.colormap(1)[1] == file.colormap(1)[3] == (10, 11, 255, 255)
    np.testing.assert_array_equal(read_band(raster), before)

    assert "(3)" in page.locator("#legend button").nth(2).inner_text()
    page.get_by_label("Name of cluster 1").fill("lake")
    page.get_by_label("Name of cluster 2").fill("<b>water")
    page.get_by_label("Name of cluster 3").fill("sea")
    shown = [page.get_by_label(f"Colour of cluster {number}").input_value() for number in (1, 2, 3)]
    assert shown[1] == "#0a0bff"
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator("#legend .name")).to_have_text(["lake", "<b>water", "sea", "cluster 4"])
    assert load(labels.model).colours == {"<b>water": "#0a0bff"}
    assert [page.get_by_label(f"Colour of cluster {number}").input_value() for number in (1, 2, 3)] == shown
    assert page.get_by_label("Default colour for cluster 1").is_disabled()
    page.get_by_label("Default colour for cluster 2").press("Enter")
    standard = page.get_by_label("Colour of cluster 2").input_value()
    assert standard != "#0a0bff"
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator("#names-status")).to_contain_text("Saved in the model file.")
    expect(page.locator("#names-discard")).to_be_disabled()
    assert load(labels.model).colours == {}
    assert page.get_by_label("Colour of cluster 2").input_value() == standard
    assert opened.serious_violations() == []
    assert opened.errors == []

"""`latentclust data features` and `latentclust data weights`."""

import json

import pytest


@pytest.fixture(autouse=True)
def banks(tmp_path, monkeypatch):
    """An empty folder of feature banks."""
    monkeypatch.setenv("LATENTCLUST_FEATURES", str(tmp_path / "features"))
    return tmp_path / "features"


@pytest.fixture
def recipe(tmp_path):
    """DCCS on the features of a tiny random network of the digits."""
    path = tmp_path / "tiny.toml"
    path.write_text(
        'schema = 1\nextends = "dccs-frozen@1"\nname = "tiny"\n[data]\nuse = "digits"\n'
        '[features]\nmodel = "test_resnet"\npretrained = "none"\nsize = 32\nviews = 1\n'
        '[views.view]\nsteps = [{ use = "affine" }]\n'
    )
    return path


def test_banks_are_made_listed_and_dropped(cli, recipe, banks):
    assert "1,797 images, 1 views" in cli("data", "features", "make", recipe).out
    (bank,) = banks.glob("*.safetensors")

    listed = json.loads(cli("data", "features", "list", "--json").out)
    (line,) = listed["banks"]
    assert (line["name"], line["data"], line["samples"], line["views"]) == (bank.name, "digits", 1797, 1)
    assert (line["bytes"], line["state"]) == (bank.stat().st_size, "complete")
    assert str(banks) in cli("data", "features", "list").out

    assert "1 banks" in cli("data", "features", "drop", bank.name[:6]).out
    assert not list(banks.iterdir())


def test_a_recipe_without_features_has_no_bank(cli):
    refused = cli("data", "features", "make", "digits")
    assert refused.code == 2
    assert "the recipe has no [features]" in refused.err


@pytest.mark.parametrize("names", [(), ("unknown",)])
def test_nothing_is_dropped_without_a_known_name(cli, names):
    refused = cli("data", "features", "drop", *names)
    assert refused.code == 2
    assert "Pass names of `latentclust data features list`" in refused.err


def test_weights_are_listed_with_training_licence_and_size(cli):
    lines = {line["options"]["model"]: line for line in json.loads(cli("data", "weights", "--json").out)}
    assert lines["tf_efficientnet_lite0"]["training"] == "supervised: trained with the labels of ImageNet-1k"
    assert lines["vit_small_patch14_dinov2.lvd142m"]["training"] == "self-supervised: trained without labels"
    assert lines["vit_base_patch16_clip_224.openai"]["training"] == "trained with the captions of images"
    assert lines["vit_small_patch16_dinov3.lvd1689m"]["licence"] == "dinov3-license"
    assert 89 < lines["resnet50.a1_in1k"]["mebibytes"] < 91
    assert "supervised" in cli("data", "weights").out

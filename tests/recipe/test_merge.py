"""Layers of tables: what merges, what replaces, and who set what."""

from typing import Any

from latentclust.recipe.merge import Layered


def layered(*layers: dict[str, Any]) -> Layered:
    found = Layered()
    for number, layer in enumerate(layers):
        found = found.over(layer, f"layer {number}")
    return found


def test_tables_merge_by_key_and_all_else_replaces() -> None:
    found = layered(
        {"a": {"x": 1, "deep": {"y": [1, 2, 3], "z": 0}}, "b": 1},
        {"a": {"x": 2, "deep": {"y": [4]}}, "c": {"new": True}},
    )
    assert found.tree == {"a": {"x": 2, "deep": {"y": [4], "z": 0}}, "b": 1, "c": {"new": True}}
    assert found.origins == {
        "a.x": "layer 1",
        "a.deep.y": "layer 1",
        "a.deep.z": "layer 0",
        "b": "layer 0",
        "c.new": "layer 1",
    }


def test_what_a_system_says_of_a_loss_survives_another_part() -> None:
    """The text for the report is about the place of the loss in the system; `weight` and `floor` are not."""
    system = {"losses": {"critic": {"use": "wasserstein-critic", "weight": 2.0, "if_empty": "Raise the weight."}}}
    found = layered(system, {"losses": {"critic": {"use": "adaptive-wasserstein-critic", "adaptation": 0.5}}})
    assert found.tree["losses"]["critic"] == {
        "use": "adaptive-wasserstein-critic",
        "adaptation": 0.5,
        "if_empty": "Raise the weight.",
    }
    assert found.origins["losses.critic.if_empty"] == "layer 0"


def test_a_table_that_uses_another_part_replaces_its_base() -> None:
    base = {"prior": {"use": "gaussian", "sigma": 2.0, "clusters": 10}}
    assert layered(base, {"prior": {"use": "uniform", "clusters": 10}}).tree == {
        "prior": {"use": "uniform", "clusters": 10}
    }
    assert layered(base, {"prior": {"use": "gaussian", "sigma": 1.0}}).tree == {
        "prior": {"use": "gaussian", "sigma": 1.0, "clusters": 10}
    }


def test_the_origins_of_what_was_replaced_are_forgotten() -> None:
    found = layered({"p": {"use": "a", "x": 1}}, {"p": {"use": "b"}}, {"p": {"y": 2}})
    assert found.origins == {"p.use": "layer 1", "p.y": "layer 2"}
    assert layered({"a": {"b": 1}}, {"a": 2}).origins == {"a": "layer 1"}
    assert layered({"a": 2}, {"a": {"b": 1}}).origins == {"a.b": "layer 1"}


def test_neither_layer_is_changed() -> None:
    base, over = {"a": {"x": 1}}, {"a": {"x": 2}}
    first = Layered().over(base, "one")
    first.over(over, "two").over({"a": {"x": 3}}, "three")
    assert first.tree == base == {"a": {"x": 1}}
    assert over == {"a": {"x": 2}}
    assert first.origins == {"a.x": "one"}


def test_three_layers_merge_as_two_and_one() -> None:
    a, b, c = {"t": {"x": 1, "y": 1}}, {"t": {"y": 2, "z": 2}}, {"t": {"z": 3}}
    assert layered(a, b, c).tree == layered(a, layered(b, c).tree).tree == layered(layered(a, b).tree, c).tree


def test_an_empty_layer_changes_nothing() -> None:
    found = layered({"a": {"x": 1}}, {}, {"a": {}})
    assert found.tree == {"a": {"x": 1}}
    assert found.origins == {"a.x": "layer 0"}


def test_a_views_steps_and_its_one_part_replace_each_other() -> None:
    several, one = {"view": {"steps": [{"use": "flip"}]}}, {"view": {"use": "affine", "scale": 0.5}}
    assert layered(several, one).tree == one
    assert layered(one, several).tree == several
    assert layered(several, {"view": {"steps": []}}).tree == {"view": {"steps": []}}


def test_an_option_named_steps_is_not_a_list_of_parts() -> None:
    base = {"player": {"use": "a", "steps": 4}}
    assert layered(base, {"player": {"steps": 2}}).tree == {"player": {"use": "a", "steps": 2}}


NETWORK = {"networks": {"encoder": {"use": "conv28", "init": "normal", "norm": "batch", "reads": "images"}}}


def over_network(**table: Any) -> Layered:
    return layered(NETWORK, {"networks": {"encoder": table}})


def test_a_network_that_loses_its_initial_weights_says_so() -> None:
    found = over_network(use="mlp", reads="images")
    assert list(found.dropped) == ["networks.encoder.init"]
    assert '`init = "normal"` of layer 0' in found.dropped["networks.encoder.init"]
    assert found.tree["networks"]["encoder"] == {"use": "mlp", "reads": "images"}


def test_nothing_is_lost_that_is_set_again_or_belongs_to_the_backbone() -> None:
    assert over_network(use="mlp", init="default", reads="images").dropped == {}
    assert over_network(use="conv28", norm="none").dropped == {}
    assert over_network(norm="none").dropped == {}
    again = over_network(use="mlp", reads="images").over({"networks": {"encoder": {"init": "normal"}}}, "later")
    assert again.dropped == {}


def test_a_use_that_is_no_name_replaces_no_table() -> None:
    """It is reported when the recipe is validated."""
    found = layered({"networks": {"n": {"use": 2, "role": "encoder"}}}, {"networks": {"n": {"use": ["mlp"]}}})
    assert found.tree == {"networks": {"n": {"use": ["mlp"], "role": "encoder"}}}
    assert not found.dropped

"""Experiments built from data and networks, and errors that only the data reveal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentclust.assemble.experiment import Experiment, assemble
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError

Tables = dict[str, Any]
Resolve = Callable[..., Resolved]


@pytest.fixture
def put_together(tables: Tables, resolved: Resolve, tmp_path: Path) -> Callable[..., Experiment]:
    return lambda *settings: assemble(resolved(tables, *settings), (tmp_path,))


def refused(put_together: Callable[..., Experiment], *settings: str) -> tuple[Issue, ...]:
    with pytest.raises(LatentclustError) as caught:
        put_together(*settings)
    return caught.value.issues


IMAGES = ("data={use='digits'}", "networks.encoder={use='conv28'}", "networks.critic={use='conv28'}",
          "networks.generator={use='conv28'}")  # fmt: skip


def test_initial_weights_that_a_network_does_not_have_are_refused(resolved: Resolve, tmp_path: Path) -> None:
    identity = {"use": "mlp", "hidden": [], "init": "normal"}
    generator = {"use": "mlp", "init": "normal"}
    tables = {"extends": "infogan@1", "data": {"use": "synthetic"}, "train": {"batch_size": 8}}
    found = resolved(tables | {"networks": {"trunk": identity, "generator": generator}})
    with pytest.raises(LatentclustError, match=r"networks\.trunk\.init: 'normal' changes no layer of mlp"):
        assemble(found, (tmp_path,))


def test_the_data_decide_the_shape(put_together: Callable[..., Experiment]) -> None:
    experiment = put_together()
    assert experiment.shape == (100,)
    assert len(experiment.data.source) == 40
    assert list(experiment.networks) == ["encoder", "generator", "critic"]
    assert experiment.resolved.prior.clusters == 4


def test_preprocessing_decides_what_the_networks_read(put_together: Callable[..., Experiment]) -> None:
    experiment = put_together(*IMAGES, "data.preprocess=[{use='sobel'}]")
    assert experiment.data.source.shape == (1, 8, 8)
    assert experiment.shape == experiment.preprocess.shape((1, 8, 8)) == (2, 8, 8)


def test_more_clusters_or_devices_than_samples_are_refused(put_together: Callable[..., Experiment]) -> None:
    few = ("data.per_cluster=1", "train.batch_size=3")
    clusters = Issue("prior.clusters", "5 clusters exceed the 4 samples", "Use at most 4")
    assert refused(put_together, *few, "prior.clusters=5") == (clusters,)
    devices = Issue("train.devices", "5 exceeds the number of samples, 4", "Use at most 4")
    assert refused(put_together, *few, "train.devices=5") == (devices,)


@pytest.mark.parametrize(
    ("devices", "batch", "note"),
    [(1, 40, "there are 40 samples"), (3, 13, "there are 40 samples for each of 3 devices")],
)
def test_a_batch_larger_than_the_set_is_lowered_and_said(
    put_together: Callable[..., Experiment], devices: int, batch: int, note: str
) -> None:
    found = put_together("train.batch_size=64", f"train.devices={devices}")
    assert found.resolved.recipe.train.batch_size == batch
    assert found.data.notes == (f"train.batch_size is lowered from 64 to {batch}: {note}",)
    fits = put_together("train.batch_size=40")
    assert (fits.resolved.recipe.train.batch_size, fits.data.notes) == (40, ())


def test_a_backbone_that_does_not_fit_the_data_is_reported_where_it_is_named(
    put_together: Callable[..., Experiment],
) -> None:
    (told,) = refused(put_together, "networks.encoder={use='conv28'}")
    assert told.where == "networks.encoder (conv28)"
    assert told.what == "expected images (c, h, w), got samples of shape (100,)"
    assert told.fix == "Use mlp"


def test_missing_data_are_reported_with_how_to_get_them(
    put_together: Callable[..., Experiment], tmp_path: Path
) -> None:
    (told,) = refused(put_together, "data={use='usps'}")
    assert told.where == "data.use"
    assert str(tmp_path) in told.what


def test_the_users_own_array_is_found_in_a_data_root(put_together: Callable[..., Experiment], tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).random((30, 7), dtype=np.float32))
    experiment = put_together("data={use='array', path='mine.npy'}")
    assert experiment.shape == (7,)
    assert experiment.data.labels is None


@pytest.mark.parametrize(
    ("setting", "where", "what"),
    [
        ("views.view.use=flip", "views.view (flip)", "samples have shape (100,)"),
        ("data.preprocess=[{use='sobel'}]", "data.preprocess (sobel)", "samples have shape (100,)"),
    ],
)
def test_a_view_that_does_not_fit_the_data_is_reported_before_training(
    put_together: Callable[..., Experiment], setting: str, where: str, what: str
) -> None:
    (told,) = refused(put_together, setting)
    assert told.where == where
    assert what in told.what


def test_a_view_may_not_change_the_shape(put_together: Callable[..., Experiment]) -> None:
    (told,) = refused(put_together, *IMAGES, "views.view.use=sobel")
    assert (told.where, told.what) == ("views.view", "changes the shape of samples from (1, 8, 8) to (2, 8, 8)")


@pytest.mark.parametrize(
    ("settings", "where", "what"),
    [
        (
            ["networks.critic.reads=features", "networks.critic.features_of=generator"],
            "networks.critic.features_of",
            "'generator' is not a trunk or an encoder of this recipe",
        ),
        (
            ["networks.encoder.reads=features"],
            "networks.encoder.features_of",
            "features form a cycle: encoder -> encoder",
        ),
        (
            ["networks.critic.reads=features", "networks.critic.features_of=tronk"],
            "networks.critic.features_of",
            "'tronk' is not a trunk or an encoder of this recipe",
        ),
    ],
)
def test_features_of_what_has_none_are_refused_before_any_data_are_opened(
    tables: Tables, issues: Callable[..., tuple[Issue, ...]], settings: list[str], where: str, what: str
) -> None:
    assert issues(tables, *settings) == (Issue(where, what, "Use a network with the role trunk or encoder"),)


def test_a_critic_may_read_an_encoders_features_and_a_discriminator_those_of_a_head(
    put_together: Callable[..., Experiment],
) -> None:
    networks = put_together(
        "networks.trunk={use='mlp', hidden=[6]}",
        "networks.encoder={use='mlp', hidden=[5], reads='features'}",
        "networks.discriminator={use='mlp', hidden=[4], features_of='encoder'}",
        "networks.critic={use='mlp', hidden=[9], reads='features'}",
        "players.generator.networks=['trunk', 'encoder', 'generator', 'discriminator']",
        "losses.critic.on={score_of_real='score_of_real_features', score_of_fake='score_of_fake_features'}",
        "losses.adversarial.on={score_of_fake='score_of_fake_features'}",
        "losses.category-recovery.on={code_of_fake='code_of_fake_features'}",
        "inference.trunk=trunk",
    ).networks
    first = {name: network.body.stem[1][0].in_features for name, network in networks.items() if name != "generator"}
    assert first == {"encoder": 6, "critic": 6, "trunk": 100, "discriminator": 5 + 4 + 3}

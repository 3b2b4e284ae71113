"""Recipes against the registry: what is resolved, and everything that cannot be."""

from collections.abc import Callable
from typing import Any

import pytest

from latentclust.assemble.experiment import assemble
from latentclust.assemble.remarks import recipe_remarks
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.bundled.losses.mmd import Mmd
from latentclust.bundled.metrics import NormalizedMutualInformation
from latentclust.bundled.quantities import QUANTITIES
from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.discovery import BUNDLED, Discovery, ProvidedParts, Provider, discover
from latentclust.plugins.registry import Registry
from latentclust.recipe.load import load_recipe
from latentclust.runs.trial_step import try_steps
from latentclust.specs.roles import Encoder, Generator
from latentclust.tensors import Code, Images, Latent

Tables = dict[str, Any]
Resolve = Callable[..., Resolved]
FindIssues = Callable[..., tuple[Issue, ...]]

MMD = "losses.mmd={use='mmd', player='generator', widths=[0.5], weight=2.0}"


def lines(issues: tuple[Issue, ...]) -> list[str]:
    return [str(issue) for issue in issues]


# What is resolved


def test_every_table_becomes_its_part(tables: Tables, resolved: Resolve) -> None:
    found = resolved(tables, MMD)
    assert found.roles == {"encoder": "encoder", "generator": "generator", "critic": "critic"}
    assert found.prior.clusters == 4
    assert [term.name for term in found.plans["generator"].terms] == ["adversarial", "category-recovery", "mmd"]
    assert found.plans["generator"].terms[2].loss == Mmd(widths=(0.5,))
    assert found.plans["critic"].networks == ("critic",)
    assert list(found.metrics) == ["accuracy", "purity", "nmi", "ari"]
    assert set(found.distributions) == {BUNDLED}


def test_a_disabled_loss_is_not_part_of_any_plan(tables: Tables, resolved: Resolve) -> None:
    found = resolved(tables, "losses.category-recovery.enabled=false")
    names = {term.name for plan in found.plans.values() for term in plan.terms}
    nodes = {node.name for plan in found.plans.values() for node in plan.nodes}
    assert names == {"critic", "adversarial"}
    assert "code_of_fake" not in nodes


def test_a_disabled_loss_may_read_values_that_the_recipe_does_not_have(tables: Tables, issues: FindIssues) -> None:
    assert issues(tables, "losses.a={use='augmentation-invariance', player='generator', enabled=false}") == ()


def test_a_metric_that_is_listed_twice_keeps_both_settings(tables: Tables, resolved: Resolve) -> None:
    found = resolved(tables, "evaluate.metrics=['nmi', {use='nmi', average='min'}]")
    assert found.metrics == {"nmi": NormalizedMutualInformation(), "nmi-2": NormalizedMutualInformation(average="min")}


def test_baselines_of_one_method_are_named_by_what_they_read(tables: Tables, resolved: Resolve) -> None:
    of_encoder = "{use='kmeans', on='encoder'}"
    names = {
        f"['kmeans', {of_encoder}]": ["kmeans", "kmeans-on-encoder"],
        f"[{of_encoder}, 'kmeans']": ["kmeans-on-encoder", "kmeans"],
        f"[{of_encoder}]": ["kmeans-on-encoder"],
        "['kmeans', {use='kmeans', n_init=3}]": ["kmeans", "kmeans-2"],
        "['kmeans', {use='kmeans', pca=50, whiten=true}]": ["kmeans", "kmeans-on-pixels-pca50-white"],
        "['kmeans', {use='gmm', on='encoder'}]": ["kmeans", "gmm-on-encoder"],
        "['gmm', {use='gmm', pca=9, on='encoder'}]": ["gmm", "gmm-on-encoder-pca9"],
    }
    assert {text: list(resolved(tables, f"evaluate.baselines={text}").baselines) for text in names} == names


def test_a_role_may_be_given_to_any_name(tables: Tables, resolved: Resolve) -> None:
    found = resolved(
        tables,
        "networks.judge={use='mlp', role='critic'}",
        "players.generator.networks=['generator', 'encoder', 'judge']",
        "losses.judge={use='gradient-penalty', player='generator', on={critic='judge'}}",
    )
    assert found.roles["judge"] == "critic"
    assert found.plans["generator"].terms[-1].reads == ("judge", "mixed_images")


# Definitions of quantities


def louder(generator: Generator, prior_sample: Latent) -> Images:
    """Images, doubled."""
    return Images(2 * generator(prior_sample))


def recoded(encoder: Encoder, images: Images) -> Code:
    """E(x), otherwise."""
    return encoder(images)


@pytest.fixture
def crowded() -> Registry:
    """The installed parts beside two plugins with quantities of the same names."""
    provisions = [
        ProvidedParts(Provider(name, "3.0", "parts"), "provide_quantities", {"fake": louder, "recoded": recoded})
        for name in ("one", "two")
    ]
    return Registry(Discovery((*discover().provisions, *provisions), ()))


def functions(found: Resolved) -> dict[str, Any]:
    return {node.name: node.function for plan in found.plans.values() for node in plan.nodes}


def test_a_bundled_quantity_is_not_replaced_by_installed_plugins(tables: Tables, crowded: Registry) -> None:
    found = resolve(load_recipe(tables, crowded), crowded)
    assert functions(found)["fake"] is QUANTITIES["fake"]
    assert set(found.distributions) == {BUNDLED}


def test_a_recipe_may_choose_another_definition(tables: Tables, crowded: Registry) -> None:
    tables["quantities"] = {"fake": "two:fake"}
    found = resolve(load_recipe(tables, crowded), crowded)
    assert functions(found)["fake"] is louder
    assert found.distributions["two"] == "3.0"
    assert "one" not in found.distributions


def test_two_definitions_are_an_issue_of_a_recipe_that_asks_for_them(tables: Tables, crowded: Registry) -> None:
    asks = "losses.category-recovery.on={code_of_fake='recoded'}"
    with pytest.raises(
        Exception,
        match=r"quantities\.recoded: two plugins provide a quantity named 'recoded'\. "
        "Select one by its full name: one:recoded or two:recoded",
    ):
        resolve(load_recipe(tables, crowded, (asks,)), crowded)
    found = resolve(load_recipe(tables, crowded, (asks, "quantities.recoded='one:recoded'")), crowded)
    assert functions(found)["recoded"] is recoded


def test_a_definition_that_there_is_not_is_an_issue_even_unused(tables: Tables, issues: FindIssues) -> None:
    (told,) = issues(tables, "quantities.swapped='nobody:swapped'")
    assert told.where == "quantities.swapped"
    assert told.what == "unknown quantity 'nobody:swapped'"


# Names that do not exist


@pytest.mark.parametrize(
    ("setting", "where", "what"),
    [
        ("data={use='digitz'}", "data.use", "unknown dataset 'digitz'"),
        ("prior.use=gausian", "prior.use", "unknown prior 'gausian'"),
        ("networks.encoder={use='mlpp'}", "networks.encoder.use", "unknown backbone 'mlpp'"),
        ("losses.x={use='mdm', player='critic'}", "losses.x.use", "unknown loss 'mdm'"),
        ("inference.use=amortised", "inference.use", "unknown inference 'amortised'"),
        ("views.v.use=flap", "views.v.use", "unknown view 'flap'"),
        ("views.v.steps=[{use='flip'}, {use='flap'}]", "views.v.steps.1.use", "unknown view 'flap'"),
        ("data.preprocess=[{use='sobell'}]", "data.preprocess.0.use", "unknown view 'sobell'"),
        ("evaluate.metrics=['nmi', 'acc']", "evaluate.metrics.1", "unknown metric 'acc'"),
        ("evaluate.metrics=[{use='acc'}]", "evaluate.metrics.0.use", "unknown metric 'acc'"),
        ("evaluate.baselines=['kmean']", "evaluate.baselines.0", "unknown baseline 'kmean'"),
    ],
)
def test_an_unknown_part_is_reported_where_it_is_named(
    tables: Tables, issues: FindIssues, setting: str, where: str, what: str
) -> None:
    (told,) = issues(tables, setting)
    assert (told.where, told.what) == (where, what)
    assert told.fix.startswith("Did you mean")


def test_a_players_only_loss_of_unknown_name_leaves_the_player_be(tables: Tables, issues: FindIssues) -> None:
    (told,) = issues(tables, "losses.critic={use='wassersten-critic', player='critic'}")
    assert told.where == "losses.critic.use"


# Tables that do not fit together


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            ["losses.x={use='mmd', player='crtic'}"],
            "losses.x.player: unknown player 'crtic'. Did you mean 'critic'?",
        ),
        (
            ["losses.critic.enabled=false"],
            "networks.critic: is read, but not trained, because the losses of the player 'critic' are all disabled. "
            "Enable one of them, or disable what reads the network",
        ),
        (
            ["players.critic.networks=['critic', 'encodr']"],
            "players.critic.networks: unknown network 'encodr'. Did you mean 'encoder'?",
        ),
        (
            ["networks.encoder.frozen=true"],
            "players.generator.networks: 'encoder' is frozen. Remove it, or set frozen = false",
        ),
        (
            ["players.generator.networks=['generator']"],
            "networks.encoder: no player trains this network, so it would keep its random initial weights. "
            "Add 'encoder' to a player's networks, or set frozen = true",
        ),
        (
            ["networks.encoder.role=generator", "inference={use='kmeans-on-features'}"],
            "losses.category-recovery: 'code_of_fake' expects Encoder, but 'encoder' is Generator. "
            "Bind a quantity of that type with `on`",
        ),
        (
            ["networks.judge={use='mlp'}", "players.critic.networks=['critic', 'judge']"],
            "networks.judge.role: 'judge' is not a role. "
            "Use one of: centroids, critic, discriminator, encoder, generator, heads, trunk",
        ),
        (
            ["networks.generator={use='timm', model='resnet18'}"],
            "networks.generator.use: 'timm' cannot be used as generator. "
            "Use another backbone; `latentclust plugins list backbone` shows the roles of each",
        ),
        (
            ["inference.network=encodr"],
            "inference.use: 'amortized' requires the network 'encodr', which is missing. "
            "Add [networks.encodr], or use another inference",
        ),
        (
            ["evaluate.readouts=[{use='amortized', network='encodr'}]"],
            "evaluate.readouts: 'amortized' requires the network 'encodr', which is missing. "
            "Add [networks.encodr], or use another inference",
        ),
        (
            ["inference.use=langevin-gibbs", "prior={use='gaussian', clusters=10}"],
            "inference.use: 'langevin-gibbs' cannot be used with the prior 'gaussian': its clusters are drawn from a "
            "one-hot-gaussian prior. Use another prior or another inference",
        ),
        (
            ["inference.use=langevin-gibbs", "views.shaken={use='affine'}"],
            "views.shaken: is random, but the chains of the inference need the same images in every round. "
            "Remove the view, or use an inference without chains",
        ),
        (
            ["losses.likelihood={use='gaussian-likelihood', player='generator', on={decoded_sample='fake'}}"],
            "losses.likelihood: the loss reads 'noise_scale', which the inference does not provide. "
            "Set inference.use = 'langevin-gibbs'",
        ),
        (
            ["data.preprocess=[{use='flip'}]"],
            "data.preprocess.0: a random step cannot be used as preprocessing. Move it to a table under [views]",
        ),
        (
            ["data.preprocess=[{use='albumentations', transforms=[{name='HorizontalFlip'}]}]"],
            "data.preprocess.0: a step on the data workers cannot be used as preprocessing. "
            "Move it to a table under [views]",
        ),
        (
            ["networks.keys={use='mlp', role='encoder', frozen=true}"],
            "networks.keys: torch does not allow the name 'keys'. Use letters, digits and underscores",
        ),
        (
            ["networks.training={use='mlp', role='encoder', frozen=true}"],
            "networks.training: torch does not allow the name 'training'. Use letters, digits and underscores",
        ),
        (
            ["networks={'a.b'={use='mlp', role='encoder', frozen=true}}"],
            "networks.a.b: torch does not allow the name 'a.b'. Use letters, digits and underscores",
        ),
        (
            ["views.images.use=flip"],
            "views.images: the name 'images' is reserved. Give the view another name",
        ),
        (
            ["views.encoder.use=flip"],
            "views.encoder: the name 'encoder' is already that of a network. Give the view another name",
        ),
        (
            ["train.select_by=accuracy"],
            "train.select_by: 'accuracy' reads labels, and weights must be selected without labels. "
            "Use one of: last, losses.adversarial, losses.category-recovery, losses.critic",
        ),
        (
            ["train.select_by=losses.critc"],
            "train.select_by: 'losses.critc' is not a loss of this recipe. Did you mean 'losses.critic'?",
        ),
        (
            ["losses.critic.on={score_of_fake='score_of_real'}", "players.critic.networks=['encoder']",
             "players.generator.networks=['generator', 'critic']"],
            "losses.critic: does not depend on any network of player 'critic' (encoder). "
            "Set another player, or bind its parameters with `on`",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_issue(tables: Tables, issues: FindIssues, settings: list[str], line: str) -> None:
    assert lines(issues(tables, *settings)) == [line]


def test_a_disabled_loss_cannot_be_selected_by(tables: Tables, issues: FindIssues) -> None:
    (told,) = issues(tables, "losses.adversarial.enabled=false", "train.select_by=losses.adversarial")
    assert told.where == "train.select_by"


@pytest.mark.parametrize("metric", ["accuracy", "purity", "nmi", "ari", "evaluate.accuracy", "metrics.nmi"])
def test_no_metric_that_reads_labels_can_select(tables: Tables, issues: FindIssues, metric: str) -> None:
    (told,) = issues(tables, f"train.select_by={metric}")
    assert told.where == "train.select_by"


@pytest.fixture
def without_encoder(tables: Tables) -> Tables:
    """The small recipe as a plain GAN."""
    del tables["networks"]["encoder"]
    del tables["losses"]["category-recovery"]
    tables["players"]["generator"]["networks"] = ["generator"]
    tables["inference"] = {"use": "kmeans-on-features"}
    return tables


def test_mmd_without_an_encoder_is_one_issue(without_encoder: Tables, issues: FindIssues) -> None:
    assert issues(without_encoder) == ()
    assert lines(issues(without_encoder, MMD)) == [
        "losses.mmd: requires a network 'encoder', which is missing. Add [networks.encoder], or set enabled = false"
    ]


def test_a_loss_that_needs_a_network_in_two_ways_says_so_once(without_encoder: Tables, issues: FindIssues) -> None:
    told = issues(
        without_encoder, "losses.a={use='augmentation-invariance', player='generator'}", "views.view.use=flip"
    )
    assert [issue.where for issue in told] == ["losses.a"]


def test_five_mistakes_are_five_issues_each_with_where_what_and_what_to_do(
    without_encoder: Tables, issues: FindIssues
) -> None:
    told = issues(
        without_encoder,
        "prior.clusters=1",
        "train.batch_size='64'",
        "players.critic.optimizer.learning_rate=0.1",
        "networks.critic.use=con28",
        MMD,
    )
    assert sorted(lines(told)) == [
        "losses.mmd: requires a network 'encoder', which is missing. Add [networks.encoder], or set enabled = false",
        "networks.critic.use: unknown backbone 'con28'. Did you mean 'conv28'?; "
        "`latentclust plugins list backbone` lists them",
        "players.critic.optimizer.learning_rate: unknown key 'learning_rate'. Use one of: betas, lr, use, weight_decay",
        "prior.clusters: invalid value 1. Input should be greater than or equal to 2",
        "train.batch_size: invalid value '64'. Input should be a valid integer",
    ]


def test_twice_five_mistakes_are_ten_issues(without_encoder: Tables, issues: FindIssues) -> None:
    told = issues(
        without_encoder,
        "prior={use='one-hot-gaussian', clusters=1, sigm=0.1}",
        "train.batch_size='64'",
        "train.select_by=nmi",
        "players.critic.optimizer={lr='fast', beta=[0.5, 0.9]}",
        "losses.adversarial.on={score_of_fake='fake'}",
        "evaluate.metrics=['accuracy', 'f1']",
        "data.workers=-1",
        MMD,
    )
    assert len(told) == 10
    assert len({issue.where for issue in told}) == 10
    assert all(issue.where and issue.what and issue.fix for issue in told)


def test_a_generator_that_reads_more_style_values_than_the_prior_has_is_refused(tables, issues):
    tables["networks"]["generator"] = {"use": "warped"}
    (told,) = issues(tables)
    assert str(told).startswith(
        "prior.style_dim: 3 style values are too few for the generator 'warped'. Set at least 6"
    )
    assert issues(tables, "prior.style_dim=6") == ()


def test_a_quantity_that_was_left_out_for_a_fault_is_not_called_unknown(tables: Tables) -> None:
    def halved(images: Images, *, by: float = 2.0) -> Images:
        return Images(images / by)

    provision = ProvidedParts(Provider("faulty", "1", "parts"), "provide_quantities", {"halved": halved})
    extended = Registry(Discovery((*discover().provisions, provision), ()))
    tables["losses"]["critic"]["on"] = {"score_of_fake": "halved"}
    with pytest.raises(LatentclustError) as caught:
        resolve(load_recipe(tables, extended), extended)
    (issue,) = caught.value.issues
    assert "faulty" in issue.what
    assert "quantity 'halved' takes by by keyword only" in issue.what


def test_keys_of_training_are_told_if_nothing_is_trained(registry: Registry) -> None:
    def remarks(name: str, *changes: str) -> list[str]:
        found = resolve(load_recipe(name, registry, changes), registry)
        return [remark for remark in recipe_remarks(found) if remark.startswith("data.")]

    (both,) = remarks("recipes/rmnp.toml", "data.workers=6", "data.resident=true")
    assert both.startswith("data.workers = 6 and data.resident = true: have no effect on a run, because")
    (one,) = remarks("recipes/rmnp.toml", "data.resident=false")
    assert one.startswith("data.resident = false: has no effect on a run")
    (default,) = remarks("recipes/rmnp.toml", "data.workers=2")
    assert default.startswith("data.workers = 2: has no effect on a run")
    assert remarks("recipes/rmnp.toml") == []
    assert remarks("recipes/rmnp-cgm.toml", "data.workers=6", "data.resident=true") == []


def test_a_player_without_an_enabled_loss_takes_no_steps(tables: Tables, resolved: Resolve, issues: FindIssues) -> None:
    ablated = ("losses.critic.enabled=false", "losses.adversarial.enabled=false")
    found = resolved(tables, *ablated)
    assert list(found.plans) == ["generator"]
    try_steps(assemble(found, ()))
    assert recipe_remarks(found)[0] == "players.critic: takes no steps, because its losses are all disabled"
    (issue,) = issues(tables, "losses.critic.enabled=false")
    assert issue.where == "networks.critic"
    assert "the losses of the player 'critic' are all disabled" in issue.what
    every = [f"losses.{name}.enabled=false" for name in tables["losses"]]
    assert "all losses are disabled" in [issue.what for issue in issues(tables, *every)]

"""Recipes with mistakes: what is still read of them, and that no mistake hides or invents another."""

from collections.abc import Callable
from typing import Any

import pytest

from latentclust.errors import Issue, LatentclustError
from latentclust.plugins.registry import Registry
from latentclust.recipe import partial_validation
from latentclust.recipe.load import load_recipe
from latentclust.recipe.partial_validation import read_tables
from latentclust.specs.validation import strict

Tables = dict[str, Any]
FindIssues = Callable[..., tuple[Issue, ...]]


def test_a_sound_recipe_is_read_whole(tables: Tables) -> None:
    found = read_tables(tables)
    assert found.issues == ()
    assert found.recipe.losses["category-recovery"].weight == 10.0
    assert found.recipe.data.options == {"per_cluster": 10}


def test_a_recipe_with_mistakes_cannot_be_used(tables: Tables, registry: Registry) -> None:
    found = load_recipe(tables, registry, ("train.rounds=-1", "seeed=1"))
    assert found.tables.recipe.train.rounds == 1
    with pytest.raises(LatentclustError) as caught:
        _ = found.recipe
    assert [issue.where for issue in caught.value.issues] == ["train.rounds", "seeed"]


@pytest.mark.parametrize(
    ("setting", "where", "fix"),
    [
        ("seeed=1", "seeed", "Did you mean 'seed'?"),
        ("train.round=1", "train.round", "Did you mean 'rounds'?"),
        ("players.critic.optimzer={lr=0.1}", "players.critic.optimzer", "Did you mean 'optimizer'?"),
        ("players.critic.optimizer.beta=[0.5, 0.9]", "players.critic.optimizer.beta", "Did you mean 'betas'?"),
        ("losses.critic.weight={start=0.0, end=1.0, untl=0.5}", "losses.critic.weight.untl", "Did you mean 'until'?"),
        ("losses.critic.wieght=2.0", "losses.critic.wieght", "Did you mean 'weight'?"),
        ("networks.encoder.hiden=[3]", "networks.encoder.hiden", "Did you mean 'hidden'?"),
        ("networks.encoder.rools='critic'", "networks.encoder.rools", "Did you mean 'role'?"),
        ("prior.style_dims=3", "prior.style_dims", "Did you mean 'style_dim'?"),
        ("data.per_clster=3", "data.per_clster", "Did you mean 'per_cluster'?"),
        ("data.worker=3", "data.worker", "Did you mean 'workers'?"),
        ("inference.netwrok='encoder'", "inference.netwrok", "Did you mean 'network'?"),
        ("evaluate.metric=['nmi']", "evaluate.metric", "Did you mean 'metrics'?"),
        ("evaluate.metrics=[{use='nmi', avrage='min'}]", "evaluate.metrics.0.avrage", "Did you mean 'average'?"),
        ("views.v={use='flip', probabilty=0.5}", "views.v.probabilty", "Did you mean 'probability'?"),
        (
            "views.v.steps=[{use='flip'}, {use='flip', probabilty=0.5}]",
            "views.v.steps.1.probabilty",
            "Did you mean 'probability'?",
        ),
    ],
)
def test_an_unknown_key_is_reported_at_any_depth_and_alone(
    tables: Tables, issues: FindIssues, setting: str, where: str, fix: str
) -> None:
    (told,) = issues(tables, setting)
    assert told.where == where
    assert told.what == f"unknown key {where.rpartition('.')[2]!r}"
    assert told.fix == fix


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("train.rounds='64'", "train.rounds"),
        ("train.rounds=1.5", "train.rounds"),
        ("train.batch_size=true", "train.batch_size"),
        ("seed=-1", "seed"),
        ("name='a b'", "name"),
        ("losses.critic.weight=nan", "losses.critic.weight"),
        ("losses.critic.weight=heavy", "losses.critic.weight"),
        ("losses.critic.weight={start=1.0, end=0.0, shape='geometric'}", "losses.critic.weight"),
        ("losses.critic.enabled=0", "losses.critic.enabled"),
        ("losses.critic.on='images'", "losses.critic.on"),
        ("players.critic.optimizer.lr=inf", "players.critic.optimizer.lr"),
        ("players.critic.optimizer.lr=0", "players.critic.optimizer.lr"),
        ("players.critic.optimizer.lr={start=1e-3, end=-1e-3}", "players.critic.optimizer.lr.end"),
        ("players.critic.optimizer.use=adamm", "players.critic.optimizer.use"),
        ("players.critic.steps='2'", "players.critic.steps"),
        ("players.critic.networks=critic", "players.critic.networks"),
        ("players.critic.networks=[]", "players.critic.networks"),
        ("networks.critic.role=critc", "networks.critic.role"),
        ("prior.clusters=1", "prior.clusters"),
        ("prior.clusters='4'", "prior.clusters"),
        ("prior.sigma=nan", "prior.sigma"),
        ("data.per_cluster='10'", "data.per_cluster"),
        ("networks.critic.hidden=[8, '8']", "networks.critic.hidden.1"),
        ("evaluate.split=tset", "evaluate.split"),
        ("evaluate.metrics=[3]", "evaluate.metrics.0"),
        ("views.v=3", "views.v"),
        ("views.v={}", "views.v"),
        ("data.preprocess=[3]", "data.preprocess.0"),
    ],
)
def test_a_wrong_value_is_reported_once_without_further_issues(
    tables: Tables, issues: FindIssues, setting: str, where: str
) -> None:
    (told,) = issues(tables, setting)
    assert told.where == where


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("schema", ""),
        ("name", ""),
        ("data", ""),
        ("data", "use"),
        ("prior", ""),
        ("prior", "use"),
        ("prior", "clusters"),
        ("networks", ""),
        ("networks.encoder", "use"),
        ("players", ""),
        ("players.generator", "networks"),
        ("losses", ""),
        ("losses.critic", "use"),
        ("losses.critic", "player"),
        ("train", ""),
        ("train", "rounds"),
        ("inference", ""),
        ("inference", "use"),
    ],
)
def test_a_missing_key_is_reported_once_without_further_issues(
    tables: Tables, issues: FindIssues, table: str, key: str
) -> None:
    holder = tables
    *path, last = [*table.split("."), *([key] if key else [])]
    for step in path:
        holder = holder[step]
    del holder[last]
    (told,) = issues(tables)
    assert told == Issue(".".join((*path, last)), "this key is missing", "Add it")


def test_an_entry_that_is_not_a_table_keeps_its_name(tables: Tables, issues: FindIssues) -> None:
    for name, table in (("losses", "critic"), ("networks", "encoder"), ("players", "critic")):
        (told,) = issues({**tables, name: {**tables[name], table: False}})
        assert told == Issue(f"{name}.{table}", "invalid value False", "Input should be a table")


def test_mistakes_in_tables_in_parts_and_in_their_fit_are_reported_together(tables: Tables, issues: FindIssues) -> None:
    told = issues(
        tables,
        "train.rounds='many'",
        "prior.clusters=1",
        "losses.hinge={use='hinge', player='critic'}",
        "losses.adversarial.on={score_of_fake='images'}",
        "train.select_by=accuracy",
    )
    assert {issue.where for issue in told} == {
        "train.rounds",
        "prior.clusters",
        "losses.hinge.use",
        "losses.adversarial.on.score_of_fake",
        "train.select_by",
    }
    assert len(told) == 5


def test_nothing_is_left_to_judge_of_an_empty_recipe(issues: FindIssues) -> None:
    assert {issue.where for issue in issues({})} == {
        "schema", "name", "data", "prior", "networks", "players", "losses", "train", "inference"
    }  # fmt: skip


def test_passes_do_not_grow_with_the_mistakes(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    monkeypatch.setattr(partial_validation, "strict", lambda model, data: passes.append(1) or strict(model, data))
    unknown = {f"key{number}": 1 for number in range(300)}
    tables |= {**unknown, "losses": {"a": 1, "b": 2, **tables["losses"]}}
    tables["players"]["critic"]["networks"] = [1, "critic", 2, 3]
    found = read_tables(tables)
    assert len(passes) == 3
    assert len(found.issues) == 305
    assert found.recipe.players["critic"].networks == ("critic",)


def test_what_is_below_a_table_that_is_replaced_is_left(tables: Tables) -> None:
    tables["stages"] = {"first": {"rounds": 0, "start": {"a": 1}}, "second": 3}
    where = [issue.where for issue in read_tables(tables).issues]
    assert where == ["stages.first.rounds", "stages.first.start.use", "stages.second"]

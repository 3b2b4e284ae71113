"""Named protocols of sets with one label per sample: what is trained on, what is scored, what contradicts them."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from latentclust.api import DatasetSpec, LatentclustError, Rows
from latentclust.assemble.resolve import Resolved
from latentclust.bundled.datasets.mnist import FashionMnist, Mnist
from latentclust.bundled.datasets.pendigits import Pendigits
from latentclust.bundled.datasets.published_images import Published
from latentclust.bundled.datasets.svhn import Svhn
from latentclust.plugins.registry import installed
from latentclust.runs import report_facts
from latentclust.runs.run import load_resolved_recipe

TRAIN, TEST = 7494, 3498


@pytest.fixture(scope="module")
def pen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with Pendigits of the published size, whose first coordinate numbers the rows of a file."""
    root = tmp_path_factory.mktemp("pen")
    (root / "pendigits").mkdir()
    for name, count in (("pendigits.tra", TRAIN), ("pendigits.tes", TEST)):
        number = np.arange(count)
        rows = np.zeros((count, 17), np.int64)
        rows[:, 0], rows[:, 1], rows[:, 2] = number // 100 % 100, number % 100, name == "pendigits.tes"
        rows[:, -1] = number % 10
        np.savetxt(root / "pendigits" / name, rows, fmt="%d", delimiter=",")
    return root


def read(spec: DatasetSpec, root: Path, scored: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The row's number in its file, whether the file is that of the test, and the label."""
    opened = spec.open_scored((root,)) if scored else spec.open((root,))
    rows = np.rint(100 * opened.source.read(np.arange(len(opened.source)))).astype(int)
    assert opened.labels is not None
    return 100 * rows[:, 0] + rows[:, 1], rows[:, 2], opened.labels.unseal()  # type: ignore[union-attr, call-arg]


@pytest.mark.parametrize(
    ("name", "trained", "scored"),
    [
        ("all-all", (0, TRAIN + TEST), (0, TRAIN + TEST)),
        ("train-test", (0, TRAIN), (TRAIN, TRAIN + TEST)),
        ("clustergan-pendigits", (0, TRAIN), (TRAIN, TRAIN + TEST)),
        ("dls-pendigits-1000", (0, TRAIN), (TRAIN - 1000, TRAIN)),
    ],
)
def test_a_protocol_of_pendigits(pen: Path, name: Any, trained: tuple[int, int], scored: tuple[int, int]) -> None:
    number = np.concatenate((np.arange(TRAIN), np.arange(TEST)))
    file = np.repeat((0, 1), (TRAIN, TEST))
    for of_test, (first, last) in ((False, trained), (True, scored)):
        found = read(Pendigits(protocol=name), pen, of_test)
        for values, expected in zip(found, (number, file, number % 10), strict=True):
            np.testing.assert_array_equal(values, expected[first:last])


def test_without_a_protocol_the_split_is_trained_on_and_scored(pen: Path) -> None:
    for scored in (False, True):
        assert read(Pendigits(split="test"), pen, scored)[1].tolist() == [1] * TEST


@pytest.mark.parametrize("scored", [False, True])
def test_other_files_than_the_published_ones_are_refused(tmp_path: Path, scored: bool) -> None:
    (tmp_path / "pendigits").mkdir()
    for suffix in ("tra", "tes"):
        np.savetxt(tmp_path / f"pendigits/pendigits.{suffix}", np.eye(5, 17, dtype=int), fmt="%d", delimiter=",")
    spec = Pendigits(protocol="clustergan-pendigits")
    published, split = (TEST, "test") if scored else (TRAIN, "train")
    with pytest.raises(LatentclustError, match=f"requires the {published:,} published samples of '{split}', got 5"):
        spec.open_scored((tmp_path,)) if scored else spec.open((tmp_path,))
    assert len(Pendigits(protocol="train-test").open((tmp_path,)).source) == 5


@pytest.mark.parametrize(
    ("rows", "text", "indices"),
    [
        (Rows("all"), "all", [0, 1, 2, 3]),
        (Rows("train", of=4), "train", [0, 1, 2, 3]),
        (Rows("train", 3, of=4), "the last 1 samples of train", [3]),
        (Rows("train", stop=2), "samples 1 to 2 of train", [0, 1]),
        (Rows("train", 1, 3), "samples 2 to 3 of train", [1, 2]),
    ],
)
def test_rows_in_words_and_as_indices(rows: Rows, text: str, indices: list[int]) -> None:
    assert str(rows) == text
    assert rows.indices(4).tolist() == indices


@pytest.mark.parametrize("kind", [part.value for part in installed().parts("dataset")])
def test_every_protocol_of_a_set_can_be_named(kind: type[DatasetSpec]) -> None:
    if not (issubclass(kind, Published) and kind.protocols):
        return
    literal, _ = get_args(kind.model_fields["protocol"].annotation)
    assert set(get_args(literal)) == set(kind.protocols)
    for name, protocol in kind.protocols.items():
        spec = kind.model_validate({"protocol": name, **protocol.options})
        assert spec.split_protocol() == protocol
        assert protocol.name.endswith(name)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Pendigits, {"protocol": "dls-pendigits-1000", "split": "all"}, 'split: is "all", .* requires "train"'),
        (Mnist, {"protocol": "all-all", "split": "train"}, 'split: is "train", .* requires "all"'),
        (FashionMnist, {"protocol": "clustergan-fashion5"}, "merge5: is false, .* requires true"),
        (FashionMnist, {"protocol": "clustergan-fashion", "merge5": True}, "merge5: is true, .* requires false"),
        (Svhn, {"protocol": "cgm-svhn", "split": "train"}, "extra: is false, .* requires true"),
    ],
)
def test_options_that_contradict_a_protocol_are_refused(kind: type[Published], options: Any, said: str) -> None:
    with pytest.raises(LatentclustError, match=said):
        kind.model_validate(options)


def recipe(**evaluate: str) -> dict[str, Any]:
    """A recipe of a named protocol."""
    data = {"use": "pendigits", "protocol": "dls-pendigits-1000"}
    return {"schema": 1, "extends": "pendigits-dccs", "name": "named", "data": data, "evaluate": evaluate}


def resolved(**evaluate: str) -> Resolved:
    return load_resolved_recipe(recipe(**evaluate))


def test_a_run_is_scored_by_its_protocol_and_says_so(pen: Path) -> None:
    found = resolved()
    tested = report_facts.test_split(found, found.dataset.open((pen,)), (pen,))
    assert str(report_facts.recipe_protocol(found, tested)) == (
        "dls-pendigits-1000: pendigits (1,000 samples), trained on train, tested on the last 1,000 samples of train, "
        "10 clusters, hungarian one-to-one matching, NMI by the arithmetic mean"
    )


def test_a_plain_protocol_is_the_same_with_and_without_its_name(pen: Path) -> None:
    lines = set()
    for data in ({"split": "train"}, {"protocol": "train-test"}):
        tables = recipe(split="test") | {"data": {"use": "pendigits"} | data}
        found = load_resolved_recipe(tables)
        tested = report_facts.test_split(found, found.dataset.open((pen,)), (pen,))
        lines.add(str(report_facts.recipe_protocol(found, tested)))
    (line,) = lines
    assert line.startswith("pendigits-train-test: pendigits (3,498 samples), trained on train, tested on test,")


def test_another_split_to_score_is_refused(pen: Path) -> None:
    with pytest.raises(LatentclustError, match=r"evaluate\.split: is 'test', but .* scores the last 1,000 samples"):
        resolved(split="test")
    assert resolved(split="train").recipe.evaluate.split == "train"


def test_data_split_is_named_with_its_table() -> None:
    tables = recipe() | {"data": {"use": "pendigits", "protocol": "dls-pendigits-1000", "split": "test"}}
    with pytest.raises(LatentclustError, match=r"data\.split: is \"test\", but the protocol dls-pendigits-1000"):
        load_resolved_recipe(tables)


def test_an_unknown_protocol_is_refused_with_the_known_ones() -> None:
    tables = recipe() | {"data": {"use": "pendigits", "protocol": "mine"}}
    with pytest.raises(LatentclustError, match=r"data\.protocol: invalid value 'mine'.*'clustergan-pendigits'"):
        load_resolved_recipe(tables)


@pytest.mark.parametrize(
    ("name", "trained", "scored"), [("clustergan-mnist", 55000, 10000), ("dls-mnist-5000", 55000, 5000)]
)
def test_mnist_is_cut_as_tensorflow_does(real: tuple[Path, ...], name: Any, trained: int, scored: int) -> None:
    spec, whole = Mnist(protocol=name), Mnist(split="train").open(real)
    found, tested = spec.open(real), spec.open_scored(real)
    assert (len(found.source), len(tested.source)) == (55_000, scored)
    first = np.array([0])
    np.testing.assert_array_equal(found.source.read(first), whole.source.read(first + 5000))
    assert found.labels is not None
    assert len(found.labels) == 55_000
    if name == "dls-mnist-5000":
        np.testing.assert_array_equal(tested.source.read(first), whole.source.read(first))

"""Requirements on each kind of part, and the messages for parts that violate them."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.plugins.checks import KINDS, SPECS, check_part, hook_kind
from latentclust.plugins.registry import Registry
from latentclust.specs.evaluation import MetricSpec
from latentclust.specs.parts import DatasetSpec, LossSpec
from latentclust.specs.views import DeviceViewSpec
from latentclust.tensors import Code, Images, Scalar


class Fine(LossSpec):
    """Whole."""

    def __call__(self, code: Code) -> Scalar:
        return Scalar(code.logits.sum())


class Inherited(Fine):
    """Its call is its base's."""


class Loose(LossSpec):
    """Names no quantity."""

    def __call__(self, *codes: Code, **others: Code) -> Scalar:
        return Scalar(codes[0].logits.sum())


class Unfinished(MetricSpec):
    """An option of a type that there is not."""

    option: "Nowhere"  # type: ignore[name-defined]

    def __call__(self, table: NDArray[np.int64]) -> float:
        return 0.0


class Unsaid(DatasetSpec):
    """Says nothing of its licence, and a number of its layout."""

    summary: ClassVar[str] = "two points"
    layout: ClassVar[Any] = 7

    def open(self, roots: tuple[Path, ...]) -> Any: ...

    def located(self, roots: tuple[Path, ...]) -> Path | None: ...


class Licensed(Unsaid):
    """Only its layout is not text."""

    licence: ClassVar[str] = "none"


class Undecided(DeviceViewSpec):
    """Does not say whether it is random."""

    def apply(self, images: Images, rng: Any) -> Images:
        return images


def quantity(code: Code) -> Code:
    return code


def keyed(images: Images, *, temperature: float = 1.0) -> Images:
    "Reads an option as if it were a value of the step."
    return Images(images / temperature)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("loss", Fine, None),
        ("loss", Inherited, None),
        ("loss", Fine(), "is not a LossSpec"),
        (
            "loss",
            Loose,
            "takes *codes: latentclust.tensors.Code, **others: latentclust.tensors.Code, which cannot name a quantity",
        ),
        ("metric", MetricSpec, "does not define __call__"),
        ("metric", Unfinished, "cannot be examined (PydanticUndefinedAnnotation: name 'Nowhere' is not defined"),
        ("dataset", Unsaid, "does not define licence"),
        ("dataset", Licensed, "does not define layout as text"),
        ("view", Undecided, "does not define random"),
        ("quantity", quantity, None),
        ("quantity", print, "takes *args, which cannot name a quantity"),
        ("quantity", keyed, "takes temperature by keyword only"),
        ("quantity", 7, "is not a function"),
        ("quantity", Fine(), "is not a function"),
        ("system", "mine.toml", "is not a file"),
        ("system", Path("nowhere.toml"), "is not a readable TOML file (FileNotFoundError"),
        ("system", Path(__file__), "is not a readable TOML file (TOMLDecodeError"),
    ],
)
def test_what_is_wrong_with_a_part(kind: str, value: object, said: str | None) -> None:
    found = check_part(kind, "mine@1" if kind == "system" else "mine", value)
    assert (found is None) is (said is None)
    assert str(found).startswith(str(said))


def test_a_value_that_raises_when_it_is_examined_is_refused() -> None:
    class Touchy:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("hands off")

    assert check_part("system", "mine@1", Touchy()) == "cannot be examined (RuntimeError: hands off)"


@pytest.mark.parametrize(
    ("kind", "name", "fits"),
    [
        ("loss", "category-recovery", True),
        ("loss", "l2.5_x", True),
        ("loss", "", False),
        ("loss", "a:b", False),
        ("loss", "a b", False),
        ("loss", "-a", False),
        ("loss", 3, False),
        ("loss", None, False),
        ("quantity", "code_of_real", True),
        ("quantity", "code-of-real", False),
        ("system", "dls@1", True),
        ("system", "dls", False),
        ("system", "dls@one", False),
    ],
)
def test_what_a_part_may_be_called(kind: str, name: object, fits: bool, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("schema = 1")
    value = {"quantity": quantity, "system": file}.get(kind, Fine)
    found = check_part(kind, name, value)
    assert (found is None) is fits
    assert fits or str(found).startswith("is not a valid name: ")


def test_every_part_that_ships_passes(registry: Registry) -> None:
    parts = [part for kind in KINDS for part in registry.parts(kind) if part.bundled]
    assert set(KINDS) == {*SPECS, "quantity", "system"}
    assert {part.kind for part in parts} == set(KINDS)
    assert [part.name for part in parts if check_part(part.kind, part.name, part.value)] == []


def test_a_hook_is_named_after_the_kind_that_it_provides() -> None:
    assert hook_kind("provide_losses") == "loss"
    assert hook_kind("provide_quantities") == "quantity"
    assert hook_kind("provide_inferences") == "inference"

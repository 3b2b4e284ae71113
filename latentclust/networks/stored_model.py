"""Contents of a model file: its header as a schema, and its tensors, which are checked before any of them is used."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor

from latentclust.errors import LatentclustError, first_problem
from latentclust.specs.given_plugins import LONGEST_SOURCE, PLUGIN_NAME

FORMAT = 1

ENTRY = "latentclust"
"""Entry of the metadata that holds the header, as JSON."""

LENGTH_BYTES = 8
"""Size of the length of safetensors' own header at the beginning of a file, in bytes; little-endian."""

NETWORKS, STATE, FEATURES, FITTED = "networks/", "inference/", "features/", "preprocess/"
"""Beginnings of the names of tensors: weights, and what inference and preprocessing learned from training images."""

LONGEST_RECIPE = 2**20
"""Maximum number of characters of a recipe."""

REWRITE = "Use a model.safetensors that `latentclust run` wrote"


Side = Annotated[int, Field(ge=1, le=2**20)]


class BandsHeader(BaseModel):
    """The band reading of a model of rasters. Files of earlier versions contain only the first four fields."""

    model_config = ConfigDict(allow_inf_nan=False)

    bands: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]
    counts: tuple[int, ...]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()
    scales: tuple[tuple[float, float], ...] = ()
    nodata: float | None = None
    declared: tuple[float, ...] = ()
    quantiles: tuple[tuple[float, ...], ...] = ()


class PluginRecord(BaseModel):
    """A plugin that was given by a file, a module or a class, and whose parts the recipe uses.

    Attributes:
        name: Name of the file, the module or the class.
        form: What it was given as.
        sha256: SHA-256 of its source. Empty if the source was not available.
        source: Its source, which is never run. Empty if it was not available.
        parts: Its parts that the recipe uses, each as kind and name: `loss confidence-penalty`.
    """

    model_config = ConfigDict(strict=True)

    name: Annotated[str, Field(pattern=PLUGIN_NAME)]
    form: Literal["file", "module", "class"]
    sha256: str
    source: Annotated[str, Field(max_length=LONGEST_SOURCE)]
    parts: list[Annotated[str, Field(pattern=r"^[a-z]+ [\w.+@-]+$")]]


class ModelHeader(BaseModel):
    """The header of a model file. A checkpoint has the same format without the recipe.

    Attributes:
        format: Version of the layout.
        recipe: Resolved recipe as TOML.
        recipe_sha256: Its SHA-256.
        raw_shape: Shape of one image as stored.
        seed: Seed of the run.
        distributions: Version of each distribution that provided parts, by name.
        versions: Versions of latentclust, torch and numpy.
        bands: Bands and value ranges of rasters.
        plugins: Plugins that were given by a file, a module or a class.
    """

    model_config = ConfigDict(strict=True)

    format: Literal[1]
    recipe: Annotated[str, Field(max_length=LONGEST_RECIPE)]
    recipe_sha256: str | None = None
    raw_shape: Annotated[list[Side], Field(min_length=1, max_length=3)]
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] = 0
    distributions: dict[str, str]
    versions: dict[str, str] = {}
    bands: BandsHeader | None = None
    plugins: list[PluginRecord] = []


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The contents of a model file.

    Attributes:
        file: The file.
        header: Its header, valid by `ModelHeader`.
        tensors: Its tensors, all finite.
    """

    file: Path
    header: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with a prefix, without it."""
        return part_of(self.tensors, prefix)

    def networks(self) -> dict[str, dict[str, Tensor]]:
        """Return the weights of each network by its name in the recipe."""
        found: dict[str, dict[str, Tensor]] = {}
        for key, tensor in self.part(NETWORKS).items():
            network, _, name = key.partition(".")
            found.setdefault(network, {})[name] = tensor
        return found

    def recipe(self) -> dict[str, Any]:
        """Return the tables of the recipe. Raise LatentclustError if it is not TOML or was changed."""
        text: str = self.header["recipe"]
        try:
            digest = hashlib.sha256(text.encode()).hexdigest()
            tables = tomllib.loads(text)
        except (RecursionError, ValueError) as error:
            raise LatentclustError.at(str(self.file), f"its recipe is not TOML ({error})", REWRITE) from error
        if self.header.get("recipe_sha256") not in (None, digest):
            what = "its recipe was changed after the model was written: the recorded SHA-256 is another one"
            raise LatentclustError.at(str(self.file), what, "Use the file as `latentclust run` wrote it")
        return tables


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check_finite(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise LatentclustError naming the first tensor that contains NaN or infinite values."""
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            what = f"{name} has values that are NaN or infinite"
            raise LatentclustError.at(str(file), what, "The file is damaged: copy it again, or retrain the model")


def model_file(path: str | Path) -> Path:
    """Return the model file in a run folder, or the path itself if it is not a folder."""
    given = Path(path).expanduser()
    return given / "model.safetensors" if given.is_dir() else given


def read_stored_model(file: Path) -> StoredModel:
    """Read a model file. Raise LatentclustError if it is missing, damaged or not a model."""
    with _unreadable(file), safe_open(file, framework="pt") as opened:
        header = _header(opened.metadata()[ENTRY])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    return _checked(file, header, tensors)


def parse_stored_model(content: bytes, file: Path) -> StoredModel:
    """Read the bytes of a model file. Raise LatentclustError at `file` if they are damaged or not a model."""
    with _unreadable(file):
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        header = _header(json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])["__metadata__"][ENTRY])
        tensors = load(content)
    return _checked(file, header, tensors)


@contextmanager
def _unreadable(file: Path) -> Iterator[None]:
    """Raise what a damaged file raises as a LatentclustError."""
    try:
        yield
    except FileNotFoundError as error:
        raise LatentclustError.at(str(file), "the model file does not exist", "Check the path") from error
    except (OSError, SafetensorError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise LatentclustError.at(str(file), f"is not a latentclust model ({first_problem(error)})", REWRITE) from error


def _header(text: str) -> Mapping[str, Any]:
    """Return the header of a model, valid by `ModelHeader`. Raise ValueError, KeyError or TypeError if it is not."""
    header: Mapping[str, Any] = json.loads(text)
    found = header["format"]
    if found != FORMAT:
        raise ValueError(f"expected format {FORMAT}, got {found}")
    ModelHeader.model_validate_json(text)
    return header


def _checked(file: Path, header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StoredModel:
    """Return a stored model whose tensors are finite and known."""
    _check_finite(file, tensors)
    unknown = [name for name in tensors if not name.startswith((NETWORKS, STATE, FEATURES, FITTED))]
    if unknown:
        raise LatentclustError.at(str(file), f"has an unknown tensor {unknown[0]!r}", REWRITE)
    return StoredModel(file, header, tensors)

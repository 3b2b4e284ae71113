"""Spectral indices: normalised differences and other ratios of named bands."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, LatentclustError, Shape
from latentclust.bundled.views.shapes import image_shape

INDICES: Mapping[str, str] = {
    "ndvi": "(nir - red) / (nir + red)",  # Rouse et al. 1974, vegetation
    "ndwi": "(green - nir) / (green + nir)",  # McFeeters 1996, open water
    "mndwi": "(green - swir1) / (green + swir1)",  # Xu 2006, open water
    "ndbi": "(swir1 - nir) / (swir1 + nir)",  # Zha, Gao and Ni 2003, built-up land
    "bsi": "(swir1 + red - nir - blue) / (swir1 + red + nir + blue)",  # Rikimaru, Roy and Miyatake 2002, bare soil
}
"""Expressions of the indices that are known by name."""

OPERATORS: Mapping[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: torch.div,
}

LIMIT = 10.0
"""Largest absolute value of an index. A denominator of 0 yields 0 or this value."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


@final
class SpectralIndices(DeviceViewSpec):
    """Computes indices such as NDVI from bands that the recipe names.

    An index is one of `ndvi`, `ndwi`, `mndwi`, `ndbi` and `bsi`, or an expression of bands and numbers with `+`, `-`,
    `*`, `/` and parentheses. Bands have the values that the data set returns: an index of reflectances needs bands that
    are scaled alike, as by `data.range` of rasters.

    Example:
        ```toml
        [data]
        use = "raster"
        path = "scene.tif"
        preprocess = [{ use = "spectral-indices", bands = ["green", "red", "nir"], indices = ["ndvi", "nir / red"] }]
        ```
    """

    random: ClassVar[bool] = False

    bands: Annotated[tuple[Name, ...], Field(min_length=2, examples=[("green", "red", "nir")])]
    """Names of the channels, in their order. The indices that are known by name use `blue`, `green`, `red`, `nir` and
    `swir1`."""

    indices: Annotated[tuple[str, ...], Field(min_length=1, examples=[("ndvi", "ndwi")])]
    """Indices by name, or as expressions."""

    keep: bool = False
    """Whether the bands are kept in front of the indices."""

    @model_validator(mode="after")
    def _valid_expressions(self) -> "SpectralIndices":
        _ = self.expressions  # raises LatentclustError
        return self

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """The parsed expressions of the indices."""
        if len(set(self.bands)) < len(self.bands):
            raise LatentclustError.at("bands", f"{list(self.bands)} names a band twice", "Name each band once")
        return tuple(self._parsed(text, f"indices.{at}") for at, text in enumerate(self.indices))

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the indices `(b, i, h, w)` of images `(b, c, h, w)`, with `keep` behind the bands."""
        self.output_shape(tuple(images.shape[1:]))
        bands = dict(zip(self.bands, images.unbind(dim=1), strict=True))
        found = torch.stack([_value(tree, bands, images[:, 0]) for tree in self.expressions], dim=1)
        found = found.nan_to_num(0.0, LIMIT, -LIMIT).clamp(-LIMIT, LIMIT)
        return Images(torch.cat((images, found), dim=1) if self.keep else found)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with the channels of the indices.

        Raises:
            LatentclustError: If samples are vectors, or have another number of bands than the recipe names.
        """
        channels, height, width = image_shape("spectral-indices", shape)
        if channels != len(self.bands):
            what = f"names {len(self.bands)} bands, and the images have {channels}"
            raise LatentclustError.at("spectral-indices.bands", what, "Name all bands in the order of data.bands")
        return len(self.indices) + (channels if self.keep else 0), height, width

    def _parsed(self, text: str, where: str) -> ast.expr:
        """Return the tree of an index. Raise LatentclustError for another syntax and for unknown bands."""
        try:
            tree = ast.parse(INDICES.get(text, text), mode="eval").body
        except (SyntaxError, ValueError) as error:
            fix = f"Use one of {', '.join(INDICES)}, or an expression such as nir / red"
            raise LatentclustError.at(where, f"{text!r} is no expression", fix) from error
        for node in ast.walk(tree):
            self._check(node, text, where)
        return tree

    def _check(self, node: ast.AST, text: str, where: str) -> None:
        if isinstance(node, ast.Name) and node.id not in self.bands:
            what = f"{text!r} needs the band {node.id!r}, and the bands are {', '.join(self.bands)}"
            raise LatentclustError.at(where, what, f"Name it in bands, or use an index of {', '.join(self.bands)}")
        number = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        allowed = ast.Name | ast.Load | ast.BinOp | ast.UnaryOp | ast.USub | ast.operator
        if not (number or isinstance(node, allowed)) or (
            isinstance(node, ast.operator) and type(node) not in OPERATORS
        ):
            what = f"{text!r} contains more than bands, numbers, + - * / and parentheses"
            raise LatentclustError.at(where, what, "Use these only")


def _value(
    tree: ast.expr, bands: Mapping[str, Float[Tensor, "b h w"]], like: Float[Tensor, "b h w"]
) -> Float[Tensor, "b h w"]:
    """Return the values of an expression whose nodes are checked."""
    match tree:
        case ast.Name(id=name):
            return bands[name]
        case ast.Constant(value=int() | float() as number):
            return torch.full_like(like, number)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, bands, like)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, bands, like), _value(right, bands, like))
    raise AssertionError("expressions are checked")

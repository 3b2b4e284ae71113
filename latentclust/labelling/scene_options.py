"""The options of how scenes are read, which `label`, `clusters preview` and `evaluate --scene` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from pydantic import Field

from latentclust.labelling.option_model import OptionModel, WholeNumbers, Words, check_exclusive, check_required

if TYPE_CHECKING:
    from latentclust.data.scenes.masks import MaskChoice


class SceneOptions(OptionModel):
    """How scenes are read. None selects the default that an option's description names."""

    bands: Words = ()
    """Words of file names, such as B04, B03, B02. Files whose names differ only in them form one scene, in this order;
    if no file name has such a word, names of bands. For STAC items, names of assets or bands; for NetCDF and HDF5
    files, names of variables."""

    nodata: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Value of nodata pixels in addition to those that a scene declares. Defaults to data.nodata of the recipe."""

    mask: str | Path | None = None
    """Mask of clouds and other pixels that become nodata: a raster for all scenes; a pattern with {name} or {folder},
    those of each scene, as in '{folder}/*_QA_PIXEL.TIF'; or band:NAME, a band of each scene. Another grid is resampled
    to the scene's by nearest neighbour. Requires mask values or bits."""

    mask_values: WholeNumbers = ()
    """Values of the mask at masked pixels, such as 3,8,9,10 of Sentinel-2's SCL."""

    mask_bits: WholeNumbers = ()
    """Bits of the mask, counted from 0: a pixel is masked if one of them is set, such as 3,4 of Landsat's QA_PIXEL."""

    stack: bool = False
    """Read scenes whose names differ in dates only as one scene with the bands of all dates, in the order of dates."""

    normalise: Literal["none", "histogram"] = "none"
    """Radiometric normalisation of each scene: histogram matches the quantiles of each band with those of the training
    data."""

    normalise_to: str | Path | None = None
    """Scene, such as that of the training, to which gain and offset of each band are fitted in the pixels that a scene
    shares with it."""

    untrusted: bool = False
    """Refuse scenes in formats that can read other files, such as VRT, HDF5 and NetCDF."""

    def check_combinations(self) -> None:
        """Raise LatentclustError if options exclude or require each other."""
        chosen = None if self.normalise == "none" else self.normalise
        check_exclusive({"--normalise": chosen, "--normalise-to": self.normalise_to})
        check_required("--mask-values", self.mask_values or None, "--mask", self.mask is not None)
        check_required("--mask-bits", self.mask_bits or None, "--mask", self.mask is not None)
        if masks := self.masks:
            masks.check()

    @property
    def masks(self) -> "MaskChoice | None":
        """Masks of the scenes. None for none."""
        from latentclust.data.scenes.masks import MaskChoice  # not for the help of commands

        return None if self.mask is None else MaskChoice(str(self.mask), self.mask_values, self.mask_bits)


class SceneOptionValues(TypedDict, total=False):
    """The keywords of how scenes are read; `SceneOptions` describes them."""

    bands: Sequence[str]
    nodata: float | None
    stack: bool
    normalise: Literal["none", "histogram"]
    normalise_to: str | Path | None
    mask: str | Path | None
    mask_values: Sequence[int]
    mask_bits: Sequence[int]
    untrusted: bool

"""Named and versioned protocols by which data sets with label maps are prepared and scored."""

from collections.abc import Mapping
from dataclasses import replace

from latentclust.api import DataProtocol

DUBAI_TILE = 200
"""Side in pixels of the tiles of `dubai5`."""

FACADES_SIDE = 128
"""Side in pixels of the images of `facades4`."""

IIC_SIDE = 128
"""Side in pixels of the crops of the COCO-Stuff protocols of IIC."""

STEGO_SIDE = 320
"""Side in pixels of the crops of the protocols of STEGO."""

_IIC = (
    "train2017 and val2017, both sides at least 360 pixels and at least 75% of the pixels in the wanted classes; "
    "scaled by 0.33 (image bilinear with antialiasing, labels nearest), centre crop 128x128 for training too, "
    "where IIC draws crops at random; all other pixels are void and masked out of training, which reads labels; "
    "all images train, match and test"
)

PROTOCOLS: Mapping[str, DataProtocol] = {
    each.name: each
    for each in (
        DataProtocol(
            "dubai5",
            1,
            "scaled by 0.5 (image bilinear with antialiasing, labels nearest), whole tiles of 200x200 from the upper "
            "left; building, land, road, vegetation, water, unlabelled void; all tiles train, match and test; no mask, "
            "training reads no labels",
        ),
        DataProtocol(
            "facades4",
            1,
            "CMP base, each image resized to 128x128 (image bilinear with antialiasing, labels nearest); facade to "
            "wall, door and shop to door, window and blind to window, cornice, sill, balcony, deco, molding and pillar "
            "to decoration, background void; all images train, match and test; no mask, training reads no labels",
        ),
        DataProtocol("iic-cocostuff3", 1, f"COCO-Stuff, sky, plant and ground; {_IIC}"),
        DataProtocol("iic-cocostuff15", 1, f"COCO-Stuff, the 15 coarse stuff classes; {_IIC}"),
        DataProtocol(
            "stego-cocostuff27",
            1,
            "COCO-Stuff, all 27 coarse classes, val2017; short side brought to 320 (image and labels nearest), centre "
            "crop 320x320; unlabelled pixels are void; all images train, match and test, where STEGO trains on "
            "train2017; no mask, training reads no labels",
        ),
    )
}
"""Protocols by name."""


def at_side(name: str, side: int | None, published: int) -> DataProtocol:
    """Return a protocol with tiles or images resized to another side in pixels, under another name."""
    protocol = PROTOCOLS[name]
    if side in (None, published):
        return protocol
    summary = (
        f"{protocol.summary}; at another scale than {name}: {side}x{side} in place of {published}x{published} pixels"
    )
    return replace(protocol, name=f"{name}-{side}px", summary=summary)

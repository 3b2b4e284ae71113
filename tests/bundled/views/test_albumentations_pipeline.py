import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.api import LatentclustError
from latentclust.bundled.views.albumentations_pipeline import Albumentations


def image(height: int = 16, width: int = 12, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def view(*transforms: dict[str, object]) -> Albumentations:
    return Albumentations(transforms=transforms)


CROP = {"name": "RandomResizedCrop", "size": [16, 12], "scale": [0.4, 1.0]}
JITTER = {"name": "ColorJitter", "p": 1.0}


def test_a_recipe_s_lists_are_read() -> None:
    read = Albumentations.model_validate_json(
        '{"transforms": [{"name": "RandomResizedCrop", "size": [16, 12], "scale": [0.4, 1.0]}]}'
    )

    assert np.array_equal(read.apply_one(image(), 5), view(CROP).apply_one(image(), 5))


def test_a_certain_flip_mirrors() -> None:
    flipped = view({"name": "HorizontalFlip", "p": 1.0}).apply_one(image(), 0)

    assert np.array_equal(flipped, image()[:, ::-1])


def test_nothing_happens_at_probability_zero() -> None:
    assert np.array_equal(view({**CROP, "p": 0.0}).apply_one(image(), 0), image())


def test_transforms_run_in_order() -> None:
    brighten = {"name": "RandomBrightnessContrast", "brightness_limit": [0.5, 0.5], "contrast_limit": [0, 0], "p": 1.0}
    invert = {"name": "InvertImg", "p": 1.0}

    one, other = (view(*order).apply_one(image(), 0) for order in ((brighten, invert), (invert, brighten)))

    assert one.mean() < other.mean()


def test_the_seed_alone_decides() -> None:
    both = view(CROP, JITTER)
    first = both.apply_one(image(), 1)

    assert not np.array_equal(both.apply_one(image(), 2), first)
    assert np.array_equal(both.apply_one(image(), 1), first)
    assert np.array_equal(view(CROP, JITTER).apply_one(image(), 1), first)


def test_transforms_of_one_pipeline_draw_apart() -> None:
    flips = view({"name": "HorizontalFlip"}, {"name": "VerticalFlip"})
    shown = image()

    seen = {flips.apply_one(shown, seed).tobytes() for seed in range(64)}

    assert seen == {each.tobytes() for each in (shown, shown[:, ::-1], shown[::-1], shown[::-1, ::-1])}


def test_compositions_nest() -> None:
    either = view({"name": "OneOf", "p": 1.0, "transforms": [{"name": "HorizontalFlip"}, {"name": "VerticalFlip"}]})
    shown = image()

    seen = {either.apply_one(shown, seed).tobytes() for seed in range(64)}

    assert seen == {shown[:, ::-1].tobytes(), shown[::-1].tobytes()}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_shape_stays(channels: int) -> None:
    shown = image(channels=channels)
    crop_and_blur = view(CROP, {"name": "GaussianBlur", "p": 1.0}, {"name": "HorizontalFlip", "p": 1.0})

    seen = crop_and_blur.apply_one(shown, 0)

    assert seen.shape == shown.shape
    assert seen.dtype == np.uint8


def test_it_travels_to_data_workers() -> None:
    original = view(CROP, JITTER)

    travelled = pickle.loads(pickle.dumps(original))

    assert travelled == original
    assert np.array_equal(travelled.apply_one(image(), 3), original.apply_one(image(), 3))


def test_an_unknown_transform_names_the_close_one() -> None:
    with pytest.raises(LatentclustError, match=r"transforms\.0\.name: .*'RandomResizeCrop'.*'RandomResizedCrop'"):
        view({**CROP, "name": "RandomResizeCrop"})


def test_a_transform_without_a_name_is_refused() -> None:
    with pytest.raises(LatentclustError, match=r"transforms\.0\.name"):
        view({"p": 1.0})


@pytest.mark.parametrize("name", ["np", "Serializable", "os", "from_dict"])
def test_only_transforms_can_be_named(name: str) -> None:
    with pytest.raises(LatentclustError, match=f"no transform '{name}'"):
        view({"name": name})


def test_an_unknown_argument_names_the_close_one() -> None:
    with pytest.raises(LatentclustError, match=r"transforms\.0\.scal: RandomResizedCrop has no .*'scal'.*'scale'"):
        view({"name": "RandomResizedCrop", "size": [16, 12], "scal": [0.4, 1.0]})


def test_an_unknown_argument_of_a_plain_transform_is_refused_too() -> None:
    with pytest.raises(LatentclustError, match="HorizontalFlip has no argument 'q'"):
        view({"name": "HorizontalFlip", "q": 1})


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"name": "HorizontalFlip", "p": 3}, r"HorizontalFlip refuses its arguments: p = 3"),
        ({"name": "RandomResizedCrop"}, r"RandomResizedCrop refuses its arguments: size"),
        ({"name": "RandomResizedCrop", "size": [16, 12], "scale": "x"}, r"scale = 'x'"),
        ({"name": "OneOf"}, r"OneOf refuses its arguments"),
        ({"name": "OneOf", "transforms": []}, r"transforms: must be a list of tables, got \[\]"),
        ({"name": "OneOf", "transforms": ["HorizontalFlip"]}, r"must be a list of tables"),
    ],
)
def test_bad_arguments_name_the_transform(transform: dict[str, object], message: str) -> None:
    with pytest.raises(LatentclustError, match=message):
        view(transform)


def test_all_issues_come_at_once() -> None:
    nested = {"name": "OneOf", "transforms": [{"name": "VerticalFlop"}, {"name": "Rotate", "limits": 3}]}

    with pytest.raises(LatentclustError) as raised:
        view({"name": "HorizontalFlip", "q": 1, "r": 2}, nested)

    assert [issue.where for issue in raised.value.issues] == [
        "transforms.0.q",
        "transforms.0.r",
        "transforms.1.transforms.0.name",
        "transforms.1.transforms.1.limits",
    ]


@pytest.mark.parametrize(
    "transform",
    [
        {"name": "RandomCrop", "height": 8, "width": 8},
        {"name": "Transpose", "p": 1.0},
        {"name": "Normalize", "p": 1.0},
        {"name": "ToTensorV2", "p": 1.0},
    ],
)
def test_a_changed_shape_or_type_is_refused(transform: dict[str, object]) -> None:
    with pytest.raises(LatentclustError, match=r"the pipeline turns uint8 of \(16, 12, 3\) into"):
        view(transform).apply_one(image(), 0)


def test_a_transform_that_fails_on_an_image_is_reported() -> None:
    with pytest.raises(LatentclustError, match=r"fails on an image of shape \(16, 12, 3\)"):
        view({"name": "RandomCrop", "height": 80, "width": 80}).apply_one(image(), 0)

"""The user's own images, as files, folders and arrays."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image

from latentclust.bundled.datasets.array import Array
from latentclust.bundled.datasets.image_folder import ImageFolder
from latentclust.errors import LatentclustError
from latentclust.infer.image_inputs import Reading, open_inputs

GREY, COLOUR = (1, 4, 6), (3, 4, 6)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 6), dtype=np.uint8)


def everything(inputs):
    return inputs.source.read(np.arange(len(inputs.source)))


def test_sources_follow_one_another_and_are_read_in_any_order(pixels, tmp_path):
    np.save(tmp_path / "a.npy", pixels[:2])
    Image.fromarray(pixels[2]).save(tmp_path / "b.png")
    np.savez(tmp_path / "c.npz", images=pixels[3:], other=np.zeros(1))
    inputs = open_inputs([tmp_path / name for name in ("a.npy", "b.png", "c.npz")], GREY)

    assert inputs.rows.tolist() == [0, 1, 0, 0, 1]
    assert [path[-5:] for path in inputs.paths] == ["a.npy", "a.npy", "b.png", "c.npz", "c.npz"]
    order = np.array([4, 0, 2, 3, 2])
    np.testing.assert_array_equal(inputs.source.read(order)[:, 0], pixels[order])


def test_a_folder_gives_its_images_sorted_and_not_the_hidden_ones(pixels, tmp_path):
    for index, name in enumerate(("b.png", "a.png", "deep/c.png", ".hidden/d.png", ".e.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels[index]).save(tmp_path / name)
    (tmp_path / "notes.txt").touch()

    np.testing.assert_array_equal(everything(open_inputs([tmp_path], GREY))[:, 0], pixels[[1, 0, 2]])


def test_grey_and_colour_become_what_the_model_reads(pixels, tmp_path):
    Image.fromarray(pixels[0]).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(pixels[0][:, :, None], 3, axis=2)).save(tmp_path / "colour.png")
    files = [tmp_path / "grey.png", tmp_path / "colour.png"]

    np.testing.assert_array_equal(everything(open_inputs(files, GREY)), np.repeat(pixels[:1, None], 2, axis=0))
    np.testing.assert_array_equal(everything(open_inputs(files, COLOUR))[1], np.repeat(pixels[:1], 3, axis=0))


@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_channels_may_come_first_or_last(layout, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, *COLOUR), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images if layout == "chw" else images.transpose(0, 2, 3, 1))

    np.testing.assert_array_equal(everything(open_inputs([tmp_path / "x.npy"], COLOUR)), images)


def test_floats_and_other_ranges_come_to_the_same_bytes(pixels, tmp_path):
    np.save(tmp_path / "unit.npy", pixels / 255)
    np.save(tmp_path / "wide.npy", pixels.astype(np.int32) * 2)

    unit = open_inputs([tmp_path / "unit.npy"], GREY)
    wide = open_inputs([tmp_path / "wide.npy"], GREY, Reading(range=(0.0, 510.0)))
    np.testing.assert_array_equal(everything(unit)[:, 0], pixels)
    np.testing.assert_array_equal(everything(wide)[:, 0], pixels)


def test_values_outside_the_range_are_refused(pixels, tmp_path):
    np.save(tmp_path / "wide.npy", pixels.astype(np.float32))
    np.save(tmp_path / "nan.npy", np.full((1, 3), np.nan))

    with pytest.raises(LatentclustError, match="outside 0 to 1"):
        everything(open_inputs([tmp_path / "wide.npy"], GREY))
    with pytest.raises(LatentclustError, match="NaN"):
        everything(open_inputs([tmp_path / "nan.npy"], (3,)))


def test_sizes_are_changed_only_on_demand(tmp_path):
    uniform = np.full((2, 8, 12), 77, np.uint8)
    np.save(tmp_path / "x.npy", uniform)
    Image.fromarray(uniform[0]).save(tmp_path / "x.png")
    for name in ("x.npy", "x.png"):
        with pytest.raises(LatentclustError, match="expected 6x4 pixels, got 12x8"):
            open_inputs([tmp_path / name], GREY)
        resized = everything(open_inputs([tmp_path / name], GREY, Reading(resize=True)))
        np.testing.assert_array_equal(resized, np.full_like(resized, 77))
        assert resized.shape[1:] == GREY


def test_csv_with_and_without_names(tmp_path):
    (tmp_path / "plain.csv").write_text("0.5,0.25\n1,0\n")
    (tmp_path / "named.csv").write_text("a,b\n0.5,0.25\n1,0\n")
    for name in ("plain.csv", "named.csv"):
        np.testing.assert_array_equal(everything(open_inputs([tmp_path / name], (2,))), [[0.5, 0.25], [1, 0]])


def test_tables_are_read_as_in_the_training_also_without_labels(tmp_path):
    reading = Reading.of(Array(path=Path("x.csv"), label_column="kind", columns=("u", "v")))
    (tmp_path / "trained.csv").write_text("name;v;kind;u\nx;0,25;a;0,5\ny;0;b;1\n")
    (tmp_path / "new.tsv").write_text("u\tv\n0.5\t0.25\n1\t0\n")
    for name in ("trained.csv", "new.tsv"):
        found = everything(open_inputs([tmp_path / name], (2,), reading))
        np.testing.assert_array_equal(found, [[0.5, 0.25], [1, 0]])
    by_position = Reading.of(Array(path=Path("x.csv"), label_column=-1))
    for text in ("0.5,0.25,a\n1,0,b\n", "0.5,0.25\n1,0\n"):
        (tmp_path / "plain.csv").write_text(text)
        found = everything(open_inputs([tmp_path / "plain.csv"], (2,), by_position))
        np.testing.assert_array_equal(found, [[0.5, 0.25], [1, 0]])


def test_rows_that_hold_an_image_get_its_shape(tmp_path):
    (tmp_path / "x.csv").write_text("0,51,102,153,204,255\n255,0,0,0,0,0\n")
    reading = Reading.of(Array(path=Path("x.csv"), shape=(2, 3), range=(0.0, 255.0)))
    found = everything(open_inputs([tmp_path / "x.csv"], (1, 2, 3), reading))
    np.testing.assert_array_equal(found[0], [[[0, 51, 102], [153, 204, 255]]])


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("absent.png", GREY, "does not exist"),
        ("empty", GREY, "contains no images"),
        ("text.png", GREY, "cannot be read"),
        ("cut.npz", GREY, "cannot be read"),
        ("two.npz", GREY, "contains a, b. Rename the array of samples to x"),
        ("words.csv", (2,), "cannot be read"),
        ("vectors.npy", GREY, r"expected samples of shape \(1, 4, 6\), got \(3,\)"),
        ("image.png", (3,), r"expected samples of shape \(3,\), got an image file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, shape, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    (tmp_path / "words.csv").write_text("1,two\n3,4\n")
    np.savez(tmp_path / "two.npz", a=np.zeros(1), b=np.zeros(1))
    np.save(tmp_path / "vectors.npy", np.zeros((2, 3)))
    Image.new("L", (6, 4)).save(tmp_path / "image.png")

    with pytest.raises(LatentclustError, match=said):
        open_inputs([tmp_path / name], shape)


def test_a_range_of_no_width_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    with pytest.raises(LatentclustError, match="the range 1 to 1 is empty"):
        open_inputs([tmp_path / "x.npy"], (3,), Reading(range=(1.0, 1.0)))


def test_nothing_given_is_refused():
    with pytest.raises(LatentclustError, match="no images were given"):
        open_inputs([], GREY)


def test_a_reading_repeats_what_the_data_set_did():
    array = Array(path=Path("x.npy"), range=(0.0, 85.0), size=8)
    assert Reading.of(array) == Reading(resize=True, range=(0.0, 85.0))
    folder = ImageFolder(path=Path("photos"), background=(1, 2, 3))
    assert Reading.of(folder) == Reading(ground=(1, 2, 3))


def test_image_files_are_refused_where_the_range_was_another(pixels, tmp_path):
    Image.fromarray(pixels[0]).save(tmp_path / "x.png")
    with pytest.raises(LatentclustError, match=r"x\.png: has values from 0 to 255, but values from 0 to 85 are read"):
        open_inputs([tmp_path / "x.png"], GREY, Reading(range=(0.0, 85.0)))
    np.testing.assert_array_equal(
        everything(open_inputs([tmp_path / "x.png"], GREY, Reading(range=(0.0, 255.0)))), pixels[:1, None]
    )


@pytest.mark.parametrize("bad", [(-np.inf, np.inf), (0.0, np.nan), (2.0, 2.0)])
def test_ranges_that_are_empty_or_not_finite_are_refused(bad, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    with pytest.raises(LatentclustError, match=r"--range: the range .* is empty or not finite"):
        open_inputs([tmp_path / "x.npy"], (3,), Reading(range=bad))


def test_bad_images_are_left_out_where_asked(pixels, tmp_path):
    Image.fromarray(pixels[0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    (tmp_path / "c.png").write_text("no image")
    inputs = open_inputs([tmp_path], GREY, Reading(skip_bad=True))
    np.testing.assert_array_equal(everything(inputs), pixels[:1, None])
    assert [issue.where[-5:] for issue in inputs.skipped] == ["b.png", "c.png"]
    with pytest.raises(LatentclustError, match=r"c\.png: cannot be read"):
        open_inputs([tmp_path / "c.png"], GREY, Reading(skip_bad=True))


def test_arrays_are_resized_as_in_training(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    trained = Array(path=tmp_path / "x.npy", size=8).open(()).source.read(np.arange(3))
    np.testing.assert_array_equal(
        everything(open_inputs([tmp_path / "x.npy"], (1, 8, 8), Reading(resize=True))), trained
    )


def matlab(path: Path, **arrays: np.ndarray) -> None:
    scipy.io.savemat(path, arrays)


SAMPLES = np.arange(12.0).reshape(3, 4)
TABLE = "b0,kind,b1,b2,b3\n" + "\n".join(f"{a},{a},{b},{c},{d}" for a, b, c, d in SAMPLES.astype(int))

WITHOUT_LABELS = "\n".join(",".join(map(str, row)) for row in SAMPLES.astype(int))
LAYOUT = {"layout_of_images": "hwc"}


@pytest.mark.parametrize(
    ("name", "write", "options"),
    [
        ("labels.csv", lambda path: path.write_text(TABLE), {"label_column": "kind"}),
        ("place.CSV", lambda path: path.write_text(TABLE), {"label_column": 1}),
        ("wavelengths.csv", lambda path: path.write_text(f"4,5,6,7\n{WITHOUT_LABELS}"), {"header": True}),
        ("key.npz", lambda path: np.savez(path, x=SAMPLES + 1, spectra=SAMPLES), {"x": "spectra"}),
        ("a.mat", lambda path: matlab(path, x=SAMPLES, y=np.ones((3, 1))), {}),
        ("flat.npy", lambda path: np.save(path, SAMPLES), {"shape": (2, 2)}),
        ("ambiguous.npy", lambda path: np.save(path, np.arange(27.0).reshape(1, 3, 3, 3) / 3), LAYOUT),
    ],
)
def test_an_array_file_is_read_as_the_training_read_it(tmp_path: Path, name: str, write: Any, options: dict[str, Any]):
    write(tmp_path / name)
    dataset = Array(path=tmp_path / name, range=(0.0, 11.0), **options)
    trained = dataset.open(()).source
    found = open_inputs([tmp_path / name], trained.shape, Reading.of(dataset))
    np.testing.assert_array_equal(everything(found), trained.read(np.arange(len(trained))))


def test_a_table_of_new_data_has_no_label_column_where_it_has_a_column_less(tmp_path: Path):
    (tmp_path / "new.csv").write_text(WITHOUT_LABELS)
    np.save(tmp_path / "other.npy", SAMPLES)
    reading = Reading.of(Array(path=tmp_path / "old.csv", label_column=-1, range=(0.0, 11.0)))
    for name in ("new.csv", "other.npy"):
        np.testing.assert_allclose(everything(open_inputs([tmp_path / name], (4,), reading)), SAMPLES / 11, rtol=1e-6)


def test_matlab_files_need_a_model_of_such_files(tmp_path: Path):
    matlab(tmp_path / "a.mat", x=SAMPLES)
    with pytest.raises(LatentclustError, match=r"a\.mat: is a \.mat file, but the model was trained on other files"):
        open_inputs([tmp_path / "a.mat"], (4,))


def test_an_array_file_that_states_more_than_fits_into_memory_is_named(tmp_path: Path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40000000000, 3)}".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(LatentclustError, match=r"a\.npz: does not fit into memory .*may state more values than it has"):
        open_inputs([tmp_path / "a.npz"], (3,))

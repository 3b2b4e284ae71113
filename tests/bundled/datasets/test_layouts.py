"""Each published layout, written small."""

import bz2
import gzip
import io
import struct
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from scipy.io import savemat

from latentclust.api import DatasetSpec, LatentclustError
from latentclust.bundled.datasets.cifar10 import Cifar10
from latentclust.bundled.datasets.coil import Coil20, Coil100
from latentclust.bundled.datasets.digits import Digits
from latentclust.bundled.datasets.imagenet10 import ImageNet10
from latentclust.bundled.datasets.mnist import FashionMnist, Mnist
from latentclust.bundled.datasets.pendigits import Pendigits
from latentclust.bundled.datasets.stl10 import Stl10
from latentclust.bundled.datasets.svhn import Svhn
from latentclust.bundled.datasets.synthetic import Synthetic
from latentclust.bundled.datasets.tenx import TenX73k
from latentclust.bundled.datasets.usps import Usps
from latentclust.bundled.datasets.youtube_faces import YouTubeFaces

PUBLISHED = (
    Mnist,
    FashionMnist,
    Usps,
    Pendigits,
    Coil20,
    Coil100,
    Cifar10,
    Stl10,
    Svhn,
    TenX73k,
    YouTubeFaces,
    ImageNet10,
)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def contents(spec: DatasetSpec, root: Path) -> tuple[np.ndarray, list[int]]:
    assert spec.located((root / "absent",)) is None
    assert spec.located((root,)) is not None
    opened = spec.open((root / "absent", root))
    assert opened.labels is not None
    return opened.source.read(np.arange(len(opened.source))), opened.labels.unseal().tolist()


def save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, *, zipped: bool, mark: str = "-") -> tuple[np.ndarray, np.ndarray]:
    images, labels = noise(7, 28, 28), np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)
    for stem, part in (("train", slice(4)), ("t10k", slice(4, 7))):
        for name, array in ((f"images{mark}idx3", images[part]), (f"labels{mark}idx1", labels[part])):
            content = idx(array)
            path = folder / f"{stem}-{name}-ubyte{'.gz' if zipped else ''}"
            save(path, gzip.compress(content) if zipped else content)
    return images[:, np.newaxis], labels


@pytest.mark.parametrize(
    ("spec", "folder"),
    [(Mnist, "mnist"), (Mnist, "MNIST/raw"), (FashionMnist, "fashion_mnist"), (FashionMnist, "FashionMNIST/raw")],
)
@pytest.mark.parametrize(("zipped", "mark"), [(True, "-"), (False, "-"), (False, ".")])
def test_idx_sets(tmp_path: Path, spec, folder: str, zipped: bool, mark: str):
    images, labels = write_mnist(tmp_path / folder, zipped=zipped, mark=mark)
    for split, part in (("all", slice(None)), ("train", slice(4)), ("test", slice(4, None))):
        read, classes = contents(spec(split=split), tmp_path)
        np.testing.assert_array_equal(read, images[part])
        assert classes == labels[part].tolist()


def test_fashion_of_five_classes(tmp_path: Path):
    _, labels = write_mnist(tmp_path / "fashion_mnist", zipped=True)
    merged = {0: 0, 3: 0, 1: 1, 2: 2, 4: 2, 6: 2, 8: 3, 5: 4, 7: 4, 9: 4}
    assert contents(FashionMnist(merge5=True), tmp_path)[1] == [merged[label] for label in labels]


def test_images_are_resized_where_asked(tmp_path: Path):
    write_mnist(tmp_path / "mnist", zipped=True)
    assert Mnist(size=16).open((tmp_path,)).source.shape == (1, 16, 16)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-9], "cannot be read"),
        (
            lambda content: gzip.compress(gzip.decompress(content)[:-1]),
            "contains 3135 bytes, but its header announces 4x28x28",
        ),
        (lambda content: gzip.compress(b""), "is not an idx file of bytes with 3 axes: starts with nothing"),
        (
            lambda content: gzip.compress(b"\x00\x00\x0d\x03" + gzip.decompress(content)[4:]),
            "is not an idx file of bytes with 3 axes: starts with 00000d03",
        ),
        (lambda content: b"<html>not found</html>", "cannot be read"),
    ],
    ids=["cut", "short", "empty", "floats", "page"],
)
def test_damaged_idx_files(tmp_path: Path, damage, said: str):
    write_mnist(tmp_path / "mnist", zipped=True)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(LatentclustError, match=rf"train-images-idx3-ubyte\.gz: {said}"):
        Mnist().open((tmp_path,))


def test_a_missing_idx_file_is_named(tmp_path: Path):
    write_mnist(tmp_path / "mnist", zipped=True)
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(LatentclustError, match=r"t10k-labels-idx1-ubyte\.gz is absent"):
        Mnist().open((tmp_path,))
    assert len(Mnist(split="train").open((tmp_path,)).source) == 4


def test_usps_as_npz(tmp_path: Path):
    values = np.arange(6 * 256, dtype=np.uint16).reshape(6, 16, 16)
    (tmp_path / "usps").mkdir()
    np.savez(tmp_path / "usps/usps.npz", x_times_2000=values, y=np.arange(6, dtype=np.uint8), n_train=4)
    images, labels = contents(Usps(), tmp_path)
    assert labels == list(range(6))
    np.testing.assert_allclose(images[:, 0], values / 2000 * 255, atol=0.5 + 1e-4)
    assert contents(Usps(split="test"), tmp_path)[1] == [4, 5]


def write_libsvm(path: Path, images: np.ndarray, labels: list[int], *, zipped: bool) -> None:
    lines = (
        f"{label + 1} " + " ".join(f"{place}:{value}" for place, value in enumerate(image.ravel(), 1) if value)
        for image, label in zip(images, labels, strict=True)
    )
    content = "\n".join(lines).encode()
    save(path, bz2.compress(content) if zipped else content)


@pytest.mark.parametrize("zipped", [True, False])
def test_usps_as_libsvm_text_leaves_zeros_out(tmp_path: Path, zipped: bool):
    suffix = ".bz2" if zipped else ""
    train, test = np.linspace(-1, 1, 512).reshape(2, 16, 16), np.zeros((1, 16, 16))
    test[0, 0, 0] = 1
    write_libsvm(tmp_path / f"usps/usps{suffix}", train, [0, 9], zipped=zipped)
    write_libsvm(tmp_path / f"usps/usps.t{suffix}", test, [5], zipped=zipped)
    images, labels = contents(Usps(), tmp_path)
    assert labels == [0, 9, 5]
    np.testing.assert_allclose(images[:2, 0], (train + 1) / 2 * 255, atol=0.5 + 1e-4)
    assert images[2, 0, 0, 0] == 255
    assert images[2, 0, 5, 5] in {127, 128}


def test_usps_as_hdf5(tmp_path: Path):
    (tmp_path / "usps").mkdir()
    with h5py.File(tmp_path / "usps/usps.h5", "w") as file:
        for part, count in (("train", 3), ("test", 2)):
            file[f"{part}/data"] = noise(count, 256).astype(np.float32) / 255
            file[f"{part}/target"] = np.arange(count)
    images, labels = contents(Usps(), tmp_path)
    np.testing.assert_array_equal(images[:3], noise(3, 256).reshape(3, 1, 16, 16))
    assert labels == [0, 1, 2, 0, 1]


def test_pendigits(tmp_path: Path):
    rows = np.random.default_rng(0).integers(0, 101, (5, 16))
    for name, part in (("pendigits.tra", slice(3)), ("pendigits.tes", slice(3, 5))):
        lines = (", ".join(map(str, [*row, label])) for row, label in zip(rows[part], range(9), strict=False))
        save(tmp_path / "pendigits" / name, "\n".join(lines).encode())
    vectors, labels = contents(Pendigits(), tmp_path)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, rows / 100, rtol=1e-6)
    assert labels == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3\n4,5", "cannot be read"),
        ("1,2,3\n4,5,6", "3 columns, not 16"),
        (",".join(["101"] * 16) + ",0", "16 values are not within 0 to 100, the first 101"),
        (",".join(["x"] * 17), "cannot be read"),
    ],
    ids=["ragged", "narrow", "outside", "text"],
)
def test_damaged_pendigits(tmp_path: Path, text: str, said: str):
    save(tmp_path / "pendigits/pendigits.tra", text.encode())
    with pytest.raises(LatentclustError, match=rf"pendigits\.tra: {said}"):
        Pendigits(split="train").open((tmp_path,))


def test_coil_folders_go_by_number_not_by_letter(tmp_path: Path):
    for number, view in ((10, 0), (2, 10), (2, 9), (1, 0)):
        path = tmp_path / f"coil-20-proc/obj{number}__{view}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noise(8, 8, seed=100 * number + view)).save(path)
    images, labels = contents(Coil20(), tmp_path)
    assert labels == [0, 1, 1, 9]
    np.testing.assert_array_equal(images[:, 0], [noise(8, 8, seed=seed) for seed in (100, 209, 210, 1000)])


def test_coil100_folder_and_npz(tmp_path: Path):
    (tmp_path / "coil-100").mkdir()
    for number in (1, 100):
        Image.fromarray(noise(8, 8, 3, seed=number)).save(tmp_path / f"coil-100/obj{number}__0.png")
    images, labels = contents(Coil100(), tmp_path)
    (tmp_path / "coil100").mkdir()
    np.savez(tmp_path / "coil100/coil100_8.npz", x=images.transpose(0, 2, 3, 1), y=labels)
    again, same = contents(Coil100(), tmp_path)
    np.testing.assert_array_equal(again, images)
    assert same == labels == [0, 99]


def test_cifar10_binary(tmp_path: Path):
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    images = noise(6, 3, 32, 32)
    for label, name in enumerate(names):
        save(tmp_path / "cifar-10-batches-bin" / name, bytes([label]) + images[label].tobytes())
    read, labels = contents(Cifar10(), tmp_path)
    np.testing.assert_array_equal(read, images)
    assert labels == list(range(6))
    assert contents(Cifar10(split="test"), tmp_path)[1] == [5]
    save(tmp_path / "cifar-10-batches-bin/test_batch.bin", bytes(3072))
    with pytest.raises(LatentclustError, match="3072 bytes are not a multiple of the record size 3073"):
        Cifar10().open((tmp_path,))


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(32, 32, 3, seed=seed)).save(buffer, "jpeg")
    return buffer.getvalue()


def test_cifar10_archive_reads_as_its_folders(tmp_path: Path):
    members = ["train/truck/1.jpg", "test/cat/3.jpg", "train/airplane/2.jpg", "train/airplane/1.jpg"]
    with tarfile.open(tmp_path / "cifar10_jpg.tar.gz", "w:gz") as archive:
        for seed, name in enumerate(members):
            save(tmp_path / "other/cifar10" / name, jpeg(seed))
            archive.add(tmp_path / "other/cifar10" / name, name)
    for split, expected in (("all", [0, 0, 9, 3]), ("train", [0, 0, 9]), ("test", [3])):
        packed, labels = contents(Cifar10(split=split), tmp_path)
        unpacked, same = contents(Cifar10(split=split), tmp_path / "other")
        np.testing.assert_array_equal(packed, unpacked)
        assert labels == same == expected
    path = tmp_path / "cifar10_jpg.tar.gz"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(LatentclustError, match=r"cifar10_jpg\.tar\.gz: cannot be read"):
        Cifar10().open((tmp_path,))


def test_a_folder_that_is_not_a_class_is_named(tmp_path: Path):
    save(tmp_path / "cifar10/train/zebra/1.jpg", jpeg(0))
    with pytest.raises(LatentclustError, match="'zebra' is not a class"):
        Cifar10(split="train").open((tmp_path,))


def test_stl10_lies_column_by_column(tmp_path: Path):
    images = noise(3, 3, 96, 96)
    for part, rows, labels in (("train", slice(2), [1, 10]), ("test", slice(2, 3), [4])):
        save(tmp_path / f"stl10_binary/{part}_X.bin", images[rows].transpose(0, 1, 3, 2).tobytes())
        save(tmp_path / f"stl10_binary/{part}_y.bin", bytes(labels))
    read, labels = contents(Stl10(), tmp_path)
    np.testing.assert_array_equal(read, images)
    assert labels == [0, 9, 3]
    save(tmp_path / "stl10_binary/test_y.bin", bytes([1, 2]))
    with pytest.raises(LatentclustError, match="3 samples, but labels of shape"):
        Stl10().open((tmp_path,))
    save(tmp_path / "stl10_binary/test_X.bin", bytes(5))
    with pytest.raises(LatentclustError, match="5 bytes are not a multiple of the image size"):
        Stl10().open((tmp_path,))


def write_svhn(root: Path) -> np.ndarray:
    images = noise(6, 3, 32, 32)
    (root / "svhn").mkdir()
    for name, rows, labels in (
        ("train", slice(3), [1, 10, 2]),
        ("test", slice(3, 5), [9, 10]),
        ("extra", slice(5, 6), [7]),
    ):
        content = {"X": images[rows].transpose(2, 3, 1, 0), "y": np.array(labels, np.uint8)[:, np.newaxis]}
        savemat(root / f"svhn/{name}_32x32.mat", content, do_compression=True)
    return images


def test_svhn_counts_ten_as_zero(tmp_path: Path):
    images = write_svhn(tmp_path)
    read, labels = contents(Svhn(), tmp_path)
    np.testing.assert_array_equal(read, images[:5])
    assert labels == [1, 0, 2, 9, 0]
    assert contents(Svhn(extra=True), tmp_path)[1] == [1, 0, 2, 7, 9, 0]
    assert contents(Svhn(split="test", extra=True), tmp_path)[1] == [9, 0]


@pytest.mark.parametrize("kept", [0, 60, 130, 200, 5000])
def test_damaged_svhn(tmp_path: Path, kept: int):
    write_svhn(tmp_path)
    path = tmp_path / "svhn/train_32x32.mat"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(LatentclustError, match=r"train_32x32\.mat: "):
        Svhn().open((tmp_path,))


def write_jule(path: Path, images: np.ndarray, labels: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["data"] = images
        file["labels"] = np.array(labels)[:, np.newaxis]


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_faces_count_from_one(tmp_path: Path, dtype: type[np.generic]):
    images = noise(4, 3, 55, 55)
    write_jule(tmp_path / "ytf/ytf.h5", images.astype(dtype), [1, 41, 2, 1])
    read, labels = contents(YouTubeFaces(), tmp_path)
    np.testing.assert_array_equal(read, images)
    assert labels == [0, 40, 1, 0]
    assert YouTubeFaces(size=32).open((tmp_path,)).source.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("shape", "labels", "said"),
    [
        ((2, 3, 5, 5), [0, 41], "labels are 0 to 41, not within 1 to 41"),
        ((2, 3, 5, 5), [1, 42], "labels are 1 to 42, not within 1 to 41"),
        ((2, 75), [1, 2], r"data has the shape \(2, 75\)"),
    ],
)
def test_other_faces_are_refused(tmp_path: Path, shape: tuple[int, ...], labels: list[int], said: str):
    write_jule(tmp_path / "ytf/ytf.h5", noise(*shape), labels)
    with pytest.raises(LatentclustError, match=rf"ytf\.h5: {said}"):
        YouTubeFaces().open((tmp_path,))


def test_coil100_as_hdf5(tmp_path: Path):
    images = noise(3, 3, 8, 8)
    write_jule(tmp_path / "coil/coil-100.h5", images, [1, 100, 7])
    read, labels = contents(Coil100(), tmp_path)
    np.testing.assert_array_equal(read, images)
    assert labels == [0, 99, 6]


@pytest.mark.parametrize("folder", ["imagenet10", "imagenet/train", "ILSVRC/Data/CLS-LOC/train"])
def test_imagenet10_reads_its_folders_alone(tmp_path: Path, folder: str):
    spec = ImageNet10(folders=("n02690373", "n02056570"), size=16)
    for name, files in (("n02056570", 1), ("n02690373", 2), ("n09999999", 1)):
        for number in range(files):
            path = tmp_path / folder / name / f"{name}_{number}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((20 + number, 30, 3), 50 * number, np.uint8)).save(path)
    read, labels = contents(spec, tmp_path)
    assert labels == [0, 0, 1]
    assert read.shape == (3, 3, 16, 16)
    assert read.mean(axis=(1, 2, 3)).round().tolist() == [0, 50, 0]
    assert spec.open((tmp_path,)).classes == ("airliner", "king penguin")
    with pytest.raises(LatentclustError, match="contains no images of n02085936, n02128757, n02692877"):
        ImageNet10().open((tmp_path,))


@pytest.mark.parametrize("folders", [("n02690373",), ("n02690373", "../n02056570")])
def test_folders_that_are_no_classes_are_refused(folders: tuple[str, ...]):
    with pytest.raises(ValidationError, match="folders"):
        ImageNet10(folders=folders)


@pytest.mark.parametrize("spec", PUBLISHED)
def test_an_absent_set_says_where_it_was_sought_and_how_to_get_it(tmp_path: Path, spec):
    with pytest.raises(LatentclustError) as caught:
        spec().open((tmp_path,))
    (issue,) = caught.value.issues
    assert str(tmp_path) in issue.what
    assert spec.layout in issue.fix
    assert (f"latentclust data fetch {spec.name}" if spec.downloads else spec.origin) in issue.fix


@pytest.mark.parametrize("spec", PUBLISHED)
def test_a_failed_download_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec):
    def refuse(_self: object, _root: Path) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(spec, "download", refuse)
    with pytest.raises(LatentclustError, match="no route" if spec.downloads else "no download with a known checksum"):
        spec().fetch(tmp_path)


def test_digits_are_scikit_learns():
    spec = Digits()
    assert spec.located(()) is not None
    opened = spec.open(())
    assert (len(opened.source), opened.source.shape) == (1797, (1, 8, 8))
    first = opened.source.read(np.array([0]))[0, 0, 0]
    np.testing.assert_array_equal(first, np.rint(np.array([0, 0, 5, 13, 9, 1, 0, 0]) * 255 / 16))
    assert opened.labels is not None
    assert np.bincount(opened.labels.unseal()).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert Digits(size=16).open(()).source.shape == (1, 16, 16)


def test_synthetic_points_are_those_of_the_seed():
    opened = Synthetic().open(())
    vectors = opened.source.read(np.arange(10_000))
    assert vectors.shape == (10_000, 100)
    assert 0 < vectors.min() < vectors.max() < 1
    assert opened.labels is not None
    assert np.bincount(opened.labels.unseal()).tolist() == [2500] * 4
    np.testing.assert_array_equal(Synthetic().open(()).source.read(np.arange(9)), vectors[:9])
    assert not np.array_equal(Synthetic(seed=1).open(()).source.read(np.arange(9)), vectors[:9])


def test_synthetic_points_come_from_a_plane():
    logits = Synthetic(per_cluster=50, deviation=1e-3).open(()).source.read(np.arange(200)).astype(np.float64)
    inner = np.log(logits / (1 - logits))
    assert np.linalg.matrix_rank(inner, tol=1e-3 * np.linalg.norm(inner)) <= 10
    assert np.ptp(inner[:50], axis=0).max() < 0.1 < np.abs(inner[0] - inner[199]).max()

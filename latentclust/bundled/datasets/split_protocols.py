"""Named protocols of data sets with one label per sample: which samples are trained on, and which are scored."""

from collections.abc import Mapping

from latentclust.api import Rows, SplitProtocol

ALL = Rows("all")
TRAIN = Rows("train")
TEST = Rows("test")

Protocols = Mapping[str, SplitProtocol]

_MNIST_TRAIN, _MNIST_TEST = 60_000, 10_000

_VALIDATION = 5_000
"""Number of images at the beginning of MNIST's training file that TensorFlow's reader returns as validation set, and of
cells at the end of the training part of 10x_73k that the authors validate by."""

_PENDIGITS_TRAIN, _PENDIGITS_TEST = 7_494, 3_498

CELLS, TRAINED_CELLS = 73_233, 60_000
"""Numbers of cells of 10x_73k: all, and those that the authors of ClusterGAN train on."""

_SVHN_TRAIN, _SVHN_TEST = 73_257 + 531_131, 26_032
"""Numbers of images, the extra ones among those of training."""

_LAST = 1_000
"""Number of rows at the end of the training file of Pendigits that the authors of DLS-Clustering score."""


def plain(name: str) -> dict[str, SplitProtocol]:
    """Return the protocols of any data set with two splits, whose name is `name`."""
    both = SplitProtocol(f"{name}-all-all", ALL, ALL)
    return {"all-all": both, "train-test": SplitProtocol(f"{name}-train-test", TRAIN, TEST)}


def of_mnist(short: str, **options: object) -> dict[str, SplitProtocol]:
    """Return the protocols of the papers for MNIST, or for a data set in its files.

    Args:
        short: Name of the data set in the names of the protocols.
        options: Options of the data set that the protocols require.
    """
    trained = Rows("train", _VALIDATION, of=_MNIST_TRAIN)
    scored = {
        f"clustergan-{short}": Rows("test", of=_MNIST_TEST),
        f"dls-{short}-5000": Rows("train", stop=_VALIDATION, of=_MNIST_TRAIN),
    }
    return {name: SplitProtocol(name, trained, rows, options) for name, rows in scored.items()}


MNIST: Protocols = plain("mnist") | of_mnist("mnist")

FASHION: Protocols = {
    **plain("fashion-mnist"),
    **of_mnist("fashion", merge5=False),
    "clustergan-fashion5": of_mnist("fashion5", merge5=True)["clustergan-fashion5"],
}

PENDIGITS: Protocols = {
    **plain("pendigits"),
    "clustergan-pendigits": SplitProtocol(
        "clustergan-pendigits", Rows("train", of=_PENDIGITS_TRAIN), Rows("test", of=_PENDIGITS_TEST)
    ),
    "dls-pendigits-1000": SplitProtocol(
        "dls-pendigits-1000",
        Rows("train", of=_PENDIGITS_TRAIN),
        Rows("train", _PENDIGITS_TRAIN - _LAST, of=_PENDIGITS_TRAIN),
    ),
}

SVHN: Protocols = {
    **plain("svhn"),
    "cgm-svhn": SplitProtocol("cgm-svhn", Rows("train", of=_SVHN_TRAIN), Rows("test", of=_SVHN_TEST), {"extra": True}),
}

TENX: Protocols = {
    **plain("10x-73k"),
    "clustergan-10x-73k": SplitProtocol(
        "clustergan-10x-73k", Rows("train", of=TRAINED_CELLS), Rows("test", of=CELLS - TRAINED_CELLS)
    ),
    "dls-10x-73k-5000": SplitProtocol(
        "dls-10x-73k-5000",
        Rows("train", of=TRAINED_CELLS),
        Rows("train", TRAINED_CELLS - _VALIDATION, of=TRAINED_CELLS),
    ),
}

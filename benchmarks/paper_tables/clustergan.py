"""The tables and figures of ClusterGAN (Mukherjee, Asnani, Lin and Kannan, AAAI 2019, arXiv:1809.03627)."""

from paper_tables.declare import SCORES, Row, Table, in_protocol, scores

PAPER = "ClusterGAN (Mukherjee et al. 2019)"
TEST = (
    "The test split, of the model with the best purity on validation data out of 5 runs (supplement 6.3); the paper "
    "calls purity ACC."
)
DAYS = "Algorithm 1 with 5,000 steps for every test image takes days on a CPU"
FEATURES = ("inference.use=kmeans-on-features",)
NORMAL = (*FEATURES, 'prior={use = "gaussian", clusters = 10}')
CLASSICAL = 'evaluate.baselines=["kmeans", "agglomerative", "nmf", "spectral"]'
LARGE = 'evaluate.baselines=["kmeans", "agglomerative", "nmf"]'


def _gan(data: str, recipe: str, bp: dict[str, float], phi: dict[str, float], images: bool) -> tuple[Row, ...]:
    """Return the two rows of the GAN without an encoder: one training, read out in two ways."""
    decoding = 'evaluate.readouts=[{use = "backprop-decoding", iterations = 500}]'
    own = (*FEATURES, *(() if images else (decoding,)))
    return (
        Row(
            f"{data}, GAN with bp",
            recipe,
            bp,
            ("inference.use=backprop-decoding",) if images else own,
            "gan",
            readout="" if images else "backprop-decoding",
            paper_only=DAYS if images else "",
        ),
        Row(f"{data}, GAN with Disc. phi", recipe, phi, own, "gan"),
    )


def _classical(data: str, recipe: str, settings: str, **paper: dict[str, float]) -> tuple[Row, ...]:
    names = {"agglomerative": "AGGLO", "nmf": "NMF", "spectral": "SC"}
    return tuple(
        Row(f"{data}, {names[name]}", recipe, figures, (settings,), baseline=name) for name, figures in paper.items()
    )


SYNTHETIC = (
    Row("Synthetic, ClusterGAN", "synthetic-clustergan", scores(0.99, 0.99, 0.99), (CLASSICAL,)),
    Row("Synthetic, InfoGAN", "synthetic-clustergan", scores(0.88, 0.75, 0.74), system="infogan"),
    *_gan("Synthetic", "synthetic-clustergan", scores(0.95, 0.85, 0.88), scores(0.99, 0.98, 0.98), images=False),
    *_classical(
        "Synthetic",
        "synthetic-clustergan",
        CLASSICAL,
        agglomerative=scores(0.99, 0.99, 0.99),
        nmf=scores(0.98, 0.96, 0.97),
        spectral=scores(0.99, 0.98, 0.98),
    ),
)
MNIST = (
    Row("MNIST, ClusterGAN", "mnist-clustergan", scores(0.95, 0.89, 0.89), (LARGE,)),
    Row("MNIST, InfoGAN", "mnist-clustergan", scores(0.89, 0.86, 0.82), system="infogan"),
    *_gan("MNIST", "mnist-clustergan", scores(0.95, 0.90, 0.89), scores(0.70, 0.62, 0.52), images=True),
    *_classical(
        "MNIST", "mnist-clustergan", LARGE, agglomerative=scores(0.64, 0.65, 0.46), nmf=scores(0.56, 0.45, 0.36)
    ),
)
FASHION = (
    Row("Fashion-10, ClusterGAN", "fashion-clustergan", scores(0.63, 0.64, 0.50), (LARGE,)),
    Row("Fashion-10, InfoGAN", "fashion-clustergan", scores(0.61, 0.59, 0.44), system="infogan"),
    *_gan("Fashion-10", "fashion-clustergan", scores(0.56, 0.53, 0.37), scores(0.43, 0.37, 0.23), images=True),
    *_classical(
        "Fashion-10", "fashion-clustergan", LARGE, agglomerative=scores(0.55, 0.57, 0.37), nmf=scores(0.50, 0.51, 0.34)
    ),
)
FIVE = ("data.merge5=true", "data.protocol=clustergan-fashion5", "prior.clusters=5")
FASHION5 = (
    Row("Fashion-5, ClusterGAN", "fashion-clustergan", scores(0.73, 0.59, 0.48), (*FIVE, LARGE)),
    Row("Fashion-5, InfoGAN", "fashion-clustergan", scores(0.71, 0.56, 0.45), FIVE, "infogan"),
    Row(
        "Fashion-5, GAN with bp",
        "fashion-clustergan",
        scores(0.73, 0.54, 0.45),
        (*FIVE, "inference.use=backprop-decoding"),
        "gan",
        paper_only=DAYS,
    ),
    Row(
        "Fashion-5, GAN with Disc. phi",
        "fashion-clustergan",
        scores(0.67, 0.49, 0.40),
        (*FIVE, *FEATURES),
        "gan",
    ),
    Row("Fashion-5, AGGLO", "fashion-clustergan", scores(0.66, 0.52, 0.36), (*FIVE, LARGE), baseline="agglomerative"),
    Row("Fashion-5, NMF", "fashion-clustergan", scores(0.67, 0.48, 0.40), (*FIVE, LARGE), baseline="nmf"),
)
PENDIGITS = (
    Row("Pendigits, ClusterGAN", "pendigits-clustergan", scores(0.77, 0.73, 0.65), (CLASSICAL,)),
    Row("Pendigits, InfoGAN", "pendigits-clustergan", scores(0.72, 0.73, 0.61), system="infogan"),
    *_gan("Pendigits", "pendigits-clustergan", scores(0.76, 0.71, 0.63), scores(0.65, 0.57, 0.45), images=False),
    *_classical(
        "Pendigits",
        "pendigits-clustergan",
        CLASSICAL,
        agglomerative=scores(0.70, 0.69, 0.52),
        nmf=scores(0.67, 0.58, 0.45),
        spectral=scores(0.70, 0.69, 0.52),
    ),
)
CELLS = "10x-73k-clustergan-paper"
TENX = (
    Row("10x_73k, ClusterGAN", CELLS, scores(0.81, 0.73, 0.67), (LARGE,)),
    Row("10x_73k, InfoGAN", CELLS, scores(0.62, 0.58, 0.43), system="infogan"),
    *_gan("10x_73k", CELLS, scores(0.65, 0.59, 0.45), scores(0.33, 0.17, 0.07), images=True),
    *_classical("10x_73k", CELLS, LARGE, agglomerative=scores(0.63, 0.58, 0.40), nmf=scores(0.71, 0.69, 0.53)),
)
DIGITS = Row("digits (not in the paper), ClusterGAN", "digits-clustergan", {}, ('evaluate.baselines=["kmeans"]',))

MODES = {
    "classifier_accuracy": "classifier",
    "mode_accuracy": "mode accuracy",
    "reconstruction_accuracy": "reconstruction accuracy",
    "cluster_accuracy": "cluster accuracy",
    "modes": "classes",
}
CYCLE = {
    "image_distance": "mean (x - G(E(x)))²",
    "latent_distance": "mean (z - E(G(z)))²",
    "category_recovery": "categories recovered",
}


def _numbers(row: str, recipe: str, clusters: dict[int, float]) -> tuple[Row, ...]:
    """Return a row for each number of clusters."""
    return tuple(
        Row(f"{row}, K = {k}", recipe, {"purity": paper} if paper else {}, (f"prior.clusters={k}",))
        for k, paper in clusters.items()
    )


PROTOCOLS = {
    "mnist-clustergan": "clustergan-mnist",
    "fashion-clustergan": "clustergan-fashion",
    "pendigits-clustergan": "clustergan-pendigits",
}
"""Protocol of the paper by recipe."""

DECLARED = {
    "clustergan-table1": Table(
        f"{PAPER}, Table 1: comparison of clustering metrics",
        TEST,
        SCORES,
        (*SYNTHETIC, *MNIST, *FASHION, *FASHION5, *TENX, *PENDIGITS, DIGITS),
    ),
    "clustergan-synthetic": Table(
        f"{PAPER}, Table 1, the synthetic data, with a picture of its codes",
        TEST,
        SCORES,
        SYNTHETIC,
        pictures=("codes", "samples"),
    ),
    "clustergan-fashion5": Table(f"{PAPER}, Table 1, Fashion-5", TEST, SCORES, FASHION5),
    "clustergan-fid": Table(
        f"{PAPER}, Table 2: Fréchet distances of generated images, lower is better",
        "The paper does not name its network. Distances by another network, size or number of images cannot be "
        "compared with its figures.",
        {"frechet_distance": "Fréchet distance"},
        (
            Row("MNIST, ClusterGAN", "mnist-clustergan", {"frechet_distance": 0.81}),
            Row(
                "MNIST, WGAN (Normal)",
                "mnist-clustergan",
                {"frechet_distance": 0.88},
                NORMAL,
                "gan",
            ),
            Row("MNIST, WGAN (One-Hot)", "mnist-clustergan", {"frechet_distance": 0.94}, FEATURES, "gan"),
            Row("MNIST, InfoGAN", "mnist-clustergan", {"frechet_distance": 1.88}, system="infogan"),
            Row("Fashion, ClusterGAN", "fashion-clustergan", {"frechet_distance": 0.91}),
            Row(
                "Fashion, WGAN (Normal)",
                "fashion-clustergan",
                {"frechet_distance": 0.95},
                NORMAL,
                "gan",
            ),
            Row("Fashion, WGAN (One-Hot)", "fashion-clustergan", {"frechet_distance": 6.14}, FEATURES, "gan"),
            Row("Fashion, InfoGAN", "fashion-clustergan", {"frechet_distance": 11.04}, system="infogan"),
            DIGITS,
        ),
        measure="generator",
    ),
    "clustergan-k": Table(
        f"{PAPER}, Table 3: robustness to the number of clusters K",
        TEST,
        {"purity": "purity", "accuracy": "ACC", "nmi": "NMI"},
        (
            *_numbers("MNIST", "mnist-clustergan", {7: 0.72, 9: 0.80, 10: 0.95, 11: 0.90, 13: 0.84}),
            *_numbers("digits (not in the paper)", "digits-clustergan", {7: 0, 9: 0, 10: 0, 11: 0, 13: 0}),
        ),
    ),
    "clustergan-modes": Table(
        f"{PAPER}, section 2.6 and Figures 4, 5, 10 and 11: modes of the generator",
        "A supervised classifier judges the class of generated and reconstructed images.",
        MODES,
        (
            Row(
                "MNIST, ClusterGAN",
                "mnist-clustergan",
                {
                    "classifier_accuracy": 0.992,
                    "mode_accuracy": 0.97,
                    "reconstruction_accuracy": 0.96,
                    "cluster_accuracy": 0.95,
                },
            ),
            Row("Fashion, ClusterGAN", "fashion-clustergan"),
            DIGITS,
        ),
        measure="generator",
        pictures=("modes", "interpolation"),
    ),
    "clustergan-cycle": Table(
        f"{PAPER}, Figure 7: distances after a cycle x to z to x, and z to x to z",
        "Means over a test batch; the paper's figure has their course over the training.",
        CYCLE,
        (
            Row("MNIST, ClusterGAN", "mnist-clustergan", {"image_distance": 0.038, "latent_distance": 0.0004}),
            DIGITS,
        ),
        measure="generator",
    ),
}

TABLES = in_protocol(DECLARED, PROTOCOLS)

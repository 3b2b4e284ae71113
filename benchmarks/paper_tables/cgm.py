"""The tables and figures of the clustered generator model (Zhu et al. 2019, arXiv:1911.08459)."""

from paper_tables.declare import ACCURACY, Row, Table, hungarian

PAPER = "Clustered generator (Zhu et al. 2019)"
TEST = "Trained on the training images and scored on the test images."
SVHN = ("data.protocol=cgm-svhn", "data.extra=true")
KMEANS = 'evaluate.baselines=["kmeans"]'


def _steps(data: str, recipe: str, *steps: int) -> tuple[Row, ...]:
    return tuple(Row(f"{data}, {n} Langevin steps", recipe, {}, (KMEANS, f"inference.steps={n}")) for n in steps)


def _numbers(data: str, recipe: str, *clusters: int) -> tuple[Row, ...]:
    return tuple(Row(f"{data}, K = {k}", recipe, {}, (KMEANS, f"prior.clusters={k}")) for k in clusters)


TABLES = {
    "cgm-table1": Table(
        f"{PAPER}, Table 1: unsupervised clustering accuracy",
        TEST,
        ACCURACY,
        (
            Row("MNIST, clustered generator", "mnist-cgm", hungarian(0.9835), (KMEANS,)),
            Row("MNIST, k-means", "mnist-cgm", hungarian(0.5349), (KMEANS,), baseline="kmeans"),
            Row("MNIST, CVAE", "mnist-cvae", hungarian(0.8226), (KMEANS,)),
            Row("MNIST, IIC", "mnist-iic", hungarian(0.992), (KMEANS,)),
            Row("SVHN, clustered generator", "svhn-cgm", hungarian(0.8515), (*SVHN, KMEANS)),
            Row("SVHN, k-means", "svhn-cgm", hungarian(0.2840), (*SVHN, KMEANS), baseline="kmeans"),
            Row("STL-10, clustered generator", "stl10-cgm", hungarian(0.7530), (KMEANS,)),
            Row("digits (not in the paper), clustered generator", "digits-cgm", {}, (KMEANS,)),
            Row("digits (not in the paper), CVAE", "digits-cvae", {}, (KMEANS,)),
            Row("digits (not in the paper), IIC", "digits-iic", {}, (KMEANS,)),
            Row("digits (not in the paper), k-means", "digits-cgm", {}, (KMEANS,), baseline="kmeans"),
        ),
        pictures=("modes",),
    ),
    "cgm-steps": Table(
        f"{PAPER}, Figure 3: accuracy by the number of Langevin steps",
        f"{TEST} The figure's values are not printed.",
        ACCURACY,
        (
            *_steps("MNIST", "mnist-cgm", 10, 20, 40, 60, 100),
            *_steps("digits (not in the paper)", "digits-cgm", 5, 10, 20, 40),
        ),
    ),
    "cgm-k": Table(
        f"{PAPER}, section 3.7 and Figure 5: K smaller and larger than the number of classes",
        f"{TEST} The paper shows samples of the clusters for K = 6 and 12, and no scores.",
        {"accuracy": "ACC", "purity": "purity", "nmi": "NMI"},
        (*_numbers("MNIST", "mnist-cgm", 6, 10, 12), *_numbers("digits (not in the paper)", "digits-cgm", 6, 10, 12)),
        pictures=("samples",),
    ),
}

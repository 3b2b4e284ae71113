"""The tables and figures of DLS-Clustering (Ding and Luo 2019, arXiv:1911.05210)."""

from paper_tables.declare import SCORES, Row, Table, in_protocol, scores

PAPER = "DLS-Clustering (Ding and Luo 2019)"
BEST = (
    "Best of 5 runs (section 4.3), scored in the authors' code on 5,000 of the training images (Pendigits: 1,000); the "
    "paper calls purity ACC."
)
KMEANS = 'evaluate.baselines=["kmeans"]'


def _block(data: str, recipe: str, ours: dict[str, float], kmeans: dict[str, float]) -> tuple[Row, ...]:
    return (
        Row(f"{data}, DLS-Clustering", recipe, ours, (KMEANS,)),
        Row(f"{data}, k-means", recipe, kmeans, (KMEANS,), baseline="kmeans"),
    )


REMOVED = {
    "the whole objective": (),
    "no reconstruction (Eq. 4)": ("losses.reconstruction.enabled=false",),
    "no MMD (Eq. 3)": ("losses.mmd.enabled=false",),
    "no swapped style (Eq. 6)": ("losses.swapped-style.enabled=false",),
    "no category recovery (Eq. 2)": ("losses.category-recovery.enabled=false",),
    "no swapped category (Eq. 5)": ("losses.swapped-category.enabled=false",),
}


def _ablation(data: str, recipe: str) -> tuple[Row, ...]:
    return tuple(Row(f"{data}, {name}", recipe, {}, (KMEANS, *settings)) for name, settings in REMOVED.items())


PROTOCOLS = {
    "mnist-dls": "dls-mnist-5000",
    "fashion-dls": "dls-fashion-5000",
    "pendigits-dls": "dls-pendigits-1000",
}
"""Protocol of the paper by recipe."""

DECLARED = {
    "dls-table3": Table(
        f"{PAPER}, Table 3: comparison of clustering algorithms",
        BEST,
        SCORES,
        (
            *_block("MNIST", "mnist-dls", scores(0.975, 0.936), scores(0.532, 0.500)),
            *_block("Fashion-10", "fashion-dls", scores(0.693, 0.669), scores(0.474, 0.512)),
            *_block("YTF", "ytf-dls", scores(0.721, 0.790), scores(0.601, 0.776)),
            *_block("Pendigits", "pendigits-dls", scores(0.847, 0.803), scores(0.793, 0.730)),
            *_block("10x_73k", "10x-73k-dls-paper", scores(0.905, 0.820), scores(0.623, 0.577)),
            *_block("digits (not in the paper)", "digits-dls", {}, {}),
        ),
    ),
    "dls-table4": Table(
        f"{PAPER}, Table 4: COIL-100",
        "All images (section 4.5); the paper calls purity ACC.",
        SCORES,
        (
            *_block("COIL-100", "coil100-dls", scores(0.822, 0.911, 0.764), scores(0.668, 0.836, 0.574)),
            *_block("COIL-20 (not in the paper)", "coil20-dls", {}, {}),
        ),
    ),
    "dls-ablation": Table(
        f"{PAPER}, Eq. 7 without one of its terms at a time; the paper has no such table",
        "None in the paper. The recipes of the budget cpu add a term, `information`, which all rows keep.",
        SCORES,
        (*_ablation("Pendigits", "pendigits-dls"), *_ablation("digits (not in the paper)", "digits-dls")),
    ),
    "dls-traversal": Table(
        f"{PAPER}, Figures 2, 3 and 4: t-SNE of the style, samples of a cluster and traversals of the style",
        "The figures have no numbers.",
        SCORES,
        (
            Row("MNIST, DLS-Clustering", "mnist-dls", scores(0.975, 0.936), (KMEANS,)),
            Row("Fashion-10, DLS-Clustering", "fashion-dls", scores(0.693, 0.669), (KMEANS,)),
            Row("digits (not in the paper), DLS-Clustering", "digits-dls", {}, (KMEANS,)),
        ),
        pictures=("style", "modes", "traversal"),
        seeds=1,
    ),
}

TABLES = in_protocol(DECLARED, PROTOCOLS)

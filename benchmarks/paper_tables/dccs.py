"""The tables of DCCS (Zhao et al., ECCV 2020, arXiv:2007.10004)."""

from paper_tables.declare import ACCURACY, Row, Table, hungarian

PAPER = "DCCS (Zhao et al. 2020)"
ALL = "Training and scores on all images; each metric is its maximum over the training in the authors' code."
KMEANS = 'evaluate.baselines=["kmeans"]'
ABLATION = {
    "M1: prior alone": ("losses.mutual-information.enabled=false", "losses.augmentation.enabled=false"),
    "M2: and mutual information": ("losses.augmentation.enabled=false",),
    "M3: and augmentation": ("losses.mutual-information.enabled=false",),
    "M4: all": (),
}


def _frozen(model: str, weights: str, size: int, *hidden: int) -> tuple[str, ...]:
    """Return the settings of a frozen timm model with dense layers as the encoder of colour images (supplement F)."""
    options = f'model = "{model}", pretrained = "{weights}", size = {size}, hidden = {list(hidden)}'
    return ("data.preprocess=[]", f'networks.encoder={{use = "timm", {options}, frozen_body = true}}', KMEANS)


LITE0 = _frozen("tf_efficientnet_lite0", "installed", 64, 500)
FAST = ("players.critic.optimizer.lr=1e-3", "players.encoder.optimizer.lr=1e-3")


READOUTS = """evaluate.readouts=[
    {use = "kmeans-on-code"},
    {use = "kmeans-on-code", part = "category"},
    {use = "kmeans-on-code", part = "style"},
]"""
ASSIGNMENTS = {
    "argmax over Zc": "",
    "k-means on Z": "kmeans-on-code",
    "k-means on Zc": "kmeans-on-code-2",
    "k-means on Zs": "kmeans-on-code-3",
}
"""Readout of each way to assign clusters; the name of a repeated one ends in its position."""


def _assignments(data: str, recipe: str, *paper: dict[str, float]) -> tuple[Row, ...]:
    """Return the four rows of a data set, which share one training."""
    given = paper or ({}, {}, {}, {})
    rows = zip(ASSIGNMENTS.items(), given, strict=True)
    settings = (KMEANS, " ".join(READOUTS.split()))
    return tuple(Row(f"{data}, {name}", recipe, figures, settings, readout=use) for (name, use), figures in rows)


def _block(data: str, recipe: str, ours: dict[str, float], kmeans: dict[str, float]) -> tuple[Row, ...]:
    return (
        Row(f"{data}, DCCS", recipe, ours, (KMEANS,)),
        Row(f"{data}, k-means", recipe, kmeans, (KMEANS,), baseline="kmeans"),
    )


def _ablation(data: str, recipe: str, *paper: dict[str, float]) -> tuple[Row, ...]:
    given = paper or ({}, {}, {}, {})
    rows = zip(ABLATION.items(), given, strict=True)
    return tuple(Row(f"{data}, {name}", recipe, figures, (KMEANS, *cut)) for (name, cut), figures in rows)


TABLES = {
    "dccs-table2": Table(
        f"{PAPER}, Table 2: MNIST and Fashion-MNIST",
        ALL,
        ACCURACY,
        (
            *_block("MNIST", "mnist-dccs", hungarian(0.989, 0.970, 0.976), hungarian(0.572, 0.500, 0.365)),
            *_block("Fashion-MNIST", "fashion-dccs", hungarian(0.756, 0.704, 0.623), hungarian(0.474, 0.512, 0.348)),
            *_block("digits (not in the paper)", "digits", {}, {}),
        ),
    ),
    "dccs-table3": Table(
        f"{PAPER}, Table 3: CIFAR-10, STL-10 and ImageNet-10",
        ALL,
        ACCURACY,
        (
            *_block("CIFAR-10", "cifar10-dccs", hungarian(0.656, 0.569, 0.469), hungarian(0.229, 0.087, 0.049)),
            *_block("STL-10", "stl10-dccs", hungarian(0.536, 0.490, 0.362), hungarian(0.192, 0.125, 0.061)),
            *_block("ImageNet-10", "imagenet10-dccs", hungarian(0.737, 0.640, 0.560), hungarian(0.241, 0.119, 0.057)),
        ),
    ),
    "dccs-table4": Table(
        f"{PAPER}, Table 4: different ways for the cluster assignment, with t-SNE of the style",
        ALL,
        ACCURACY,
        (
            *_assignments(
                "MNIST",
                "mnist-dccs",
                hungarian(0.9891, 0.9696, 0.9758),
                hungarian(0.9891, 0.9694, 0.9757),
                hungarian(0.9891, 0.9696, 0.9757),
                hungarian(0.5164, 0.4722, 0.3571),
            ),
            *_assignments(
                "Fashion-MNIST",
                "fashion-dccs",
                hungarian(0.7564, 0.7042, 0.6225),
                hungarian(0.7564, 0.7043, 0.6224),
                hungarian(0.7563, 0.7042, 0.6223),
                hungarian(0.4981, 0.4946, 0.3460),
            ),
            *_assignments(
                "CIFAR-10",
                "cifar10-dccs",
                hungarian(0.6556, 0.5692, 0.4685),
                hungarian(0.6513, 0.5588, 0.4721),
                hungarian(0.6513, 0.5587, 0.4721),
                hungarian(0.2940, 0.1192, 0.0713),
            ),
            *_assignments(
                "STL-10",
                "stl10-dccs",
                hungarian(0.5357, 0.4898, 0.3617),
                hungarian(0.5337, 0.4888, 0.3599),
                hungarian(0.5340, 0.4889, 0.3602),
                hungarian(0.4422, 0.4241, 0.2658),
            ),
            *_assignments("digits (not in the paper)", "digits"),
        ),
        pictures=("style",),
    ),
    "dccs-table5": Table(
        f"{PAPER}, Table 5: ablation of the losses",
        ALL,
        ACCURACY,
        (
            *_ablation(
                "Fashion-MNIST",
                "fashion-dccs",
                hungarian(0.618, 0.551, 0.435),
                hungarian(0.692, 0.621, 0.532),
                hungarian(0.725, 0.694, 0.605),
                hungarian(0.756, 0.704, 0.623),
            ),
            *_ablation(
                "CIFAR-10",
                "cifar10-dccs",
                hungarian(0.213, 0.076, 0.040),
                hungarian(0.225, 0.085, 0.048),
                hungarian(0.645, 0.557, 0.463),
                hungarian(0.656, 0.569, 0.469),
            ),
            *_ablation("digits (not in the paper)", "digits"),
        ),
    ),
    "dccs-frozen": Table(
        f"{PAPER}, Table 16: STL-10 with a frozen ResNet-50 of ImageNet",
        f"{ALL} The weights of ImageNet were trained with labels. EfficientNet-Lite0 stands in where STL-10 or the "
        "weights of ResNet-50 are not at hand.",
        ACCURACY,
        (
            Row(
                "STL-10, ResNet-50",
                "stl10-dccs",
                hungarian(0.9553, 0.9030, 0.9051),
                _frozen("resnet50", "hub", 224, 500, 500, 2000),
            ),
            Row("CIFAR-10 (not in the table), EfficientNet-Lite0", "cifar10-dccs", {}, (*LITE0, *FAST)),
            Row("COIL-20 (not in the paper), EfficientNet-Lite0", "coil20-dccs", {}, LITE0),
            Row("COIL-20 (not in the paper), k-means", "coil20-dccs", {}, LITE0, baseline="kmeans"),
        ),
    ),
}

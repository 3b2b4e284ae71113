"""Run ClustPy's DEC or IDEC with one seed, for dec.py, in an environment with ClustPy and without latentclust.

Reads settings as JSON and images as npz, and writes the cluster of each sample as npz.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from clustpy.deep import DEC, IDEC, get_dataloader
from clustpy.deep.neural_networks import FeedforwardAutoencoder


def main() -> None:
    """Cluster once."""
    folder = Path(sys.argv[1])
    wanted = json.loads((folder / "settings.json").read_text())
    samples = np.load(folder / "samples.npz")["samples"]
    torch.set_num_threads(1)
    train = get_dataloader(samples, wanted["batch_size"], shuffle=True, drop_last=True)
    everything = get_dataloader(samples, wanted["batch_size"], shuffle=False, drop_last=False)
    layers = [samples.shape[1], *wanted["hidden"], wanted["embedding"]]
    torch.manual_seed(wanted["seed"])
    np.random.seed(wanted["seed"])
    started = time.perf_counter()
    algorithm = {"dec": DEC, "idec": IDEC}[wanted["system"]](
        n_clusters=wanted["clusters"],
        batch_size=wanted["batch_size"],
        pretrain_optimizer_params={"lr": wanted["pretraining_lr"]},
        clustering_optimizer_params={"lr": wanted["clustering_lr"]},
        pretrain_epochs=wanted["pretraining_epochs"],
        clustering_epochs=wanted["clustering_epochs"],
        neural_network=(FeedforwardAutoencoder, {"layers": layers, "activation_fn": torch.nn.ReLU}),
        embedding_size=wanted["embedding"],
        custom_dataloaders=(train, everything),
        initial_clustering_params={"n_init": wanted["n_init"]},
        device=torch.device("cpu"),
        random_state=wanted["seed"],
    ).fit(samples)
    seconds = time.perf_counter() - started
    np.savez(folder / "labels.npz", labels=algorithm.dec_labels_)
    said = {"seconds": seconds, "versions": {name: version(name) for name in ("clustpy", "torch", "scikit-learn")}}
    (folder / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()

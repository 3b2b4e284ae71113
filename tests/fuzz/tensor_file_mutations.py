"""Mutations of safetensors files: bits, lengths, the tensors' entries, the header and the recipe in it."""

import hashlib
import json
import struct
import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import tomli_w

from tests.fuzz.hostile import mutate_tree

LENGTH = 8
Mutation = Callable[[bytes, np.random.Generator], tuple[bytes, str]]


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the data of a safetensors file."""
    end = LENGTH + struct.unpack("<Q", content[:LENGTH])[0]
    return json.loads(content[LENGTH:end]), content[end:]


def join(header: Any, data: bytes) -> bytes:
    """Return a safetensors file of a header and data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH)
    return struct.pack("<Q", len(text)) + text + data


def flip_bits(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Flip a few bits of the length, the header or the data."""
    end = LENGTH + struct.unpack("<Q", content[:LENGTH])[0]
    low, high = ((0, LENGTH), (LENGTH, end), (LENGTH, end), (end, len(content)))[rng.integers(4)]
    changed = bytearray(content)
    bits = rng.integers(low * 8, high * 8, rng.integers(1, 9))
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed), f"flip bits {bits.tolist()}"


def cut(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Truncate, lengthen or blank a part."""
    at = int(rng.integers(len(content)))
    kind = rng.choice(["truncate", "truncate", "lengthen", "blank", "drop"])
    size = int(rng.integers(1, 2000))
    found = {
        "truncate": content[:at],
        "lengthen": content + rng.bytes(size),
        "blank": content[:at] + bytes(min(size, len(content) - at)) + content[at + size :],
        "drop": content[:at] + content[at + size :],
    }[str(kind)]
    return found, f"{kind} at {at} by {size}"


def change_entries(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Change the entry of one tensor: its name, type, shape or place."""
    header, data = split(content)
    names = [name for name in header if name != "__metadata__"]
    name, other = (names[i] for i in rng.integers(len(names), size=2))
    kind = rng.choice(["rename", "remove", "swap", "type", "tree", "nan"])
    if kind == "rename":
        header[f"{name}/x"] = header.pop(name)
    elif kind == "remove":
        del header[name]
    elif kind == "swap":
        header[name], header[other] = header[other], header[name]
    elif kind == "type":
        header[name]["dtype"] = str(rng.choice(["F16", "BF16", "I32", "I64", "U8", "F64", "F8_E5M2", "BOOL", "C64"]))
    elif kind == "tree":
        header[name], what = mutate_tree(header[name], rng)
        return join(header, data), f"{name}: {what}"
    else:
        first, last = header[name]["data_offsets"]
        data = data[:first] + b"\xff" * (last - first) + data[last:]
    return join(header, data), f"{kind} {name} {other}"


def change_header(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Change one value of latentclust's own header."""
    header, data = split(content)
    changed, what = mutate_tree(json.loads(header["__metadata__"]["latentclust"]), rng)
    header["__metadata__"]["latentclust"] = json.dumps(changed)
    return join(header, data), f"header: {what}"


def change_recipe(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Change one value of the recipe in a model file, whose digest is made to fit. Of a checkpoint, its header."""
    header, data = split(content)
    own = json.loads(header["__metadata__"]["latentclust"])
    if "recipe" not in own:
        return change_header(content, rng)
    tree, what = mutate_tree(tomllib.loads(own["recipe"]), rng)
    try:
        own["recipe"] = tomli_w.dumps(tree)
    except (AttributeError, TypeError, ValueError):  # no TOML: None, say
        own["recipe"] = json.dumps(tree)
    own["recipe_sha256"] = hashlib.sha256(own["recipe"].encode(errors="replace")).hexdigest()
    header["__metadata__"]["latentclust"] = json.dumps(own)
    return join(header, data), f"recipe: {what}"


def replace_header(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Replace latentclust's header, or that of the file, by JSON that is none of either."""
    header, data = split(content)
    text = str(rng.choice(["[" * 100_000, '{"a":' * 5_000, "null", "[]", "1", '""', "NaN", "{}", "{", "9" * 5_000, ""]))
    if rng.integers(2):
        return join(text.encode(), data), f"file header {text:.20}"
    header["__metadata__"]["latentclust"] = text
    return join(header, data), f"header {text:.20}"


MUTATIONS: tuple[Mutation, ...] = (flip_bits, cut, change_entries, change_header, change_recipe, replace_header)
WEIGHTS = (0.2, 0.15, 0.15, 0.2, 0.25, 0.05)


def mutate(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Return a mutated file and what was done to it."""
    return MUTATIONS[rng.choice(len(MUTATIONS), p=WEIGHTS)](content, rng)

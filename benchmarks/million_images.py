"""Write N generated grey images of 32 x 32 pixels: `python benchmarks/million_images.py FILE N`."""

import sys

import numpy as np

SIDE, KINDS, POOL, BLOCK = 32, 8, 4096, 10_000


def main(path: str, count: int) -> None:
    """Write `count` images of gratings of eight orientations and frequencies, each with a brightness and a noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle, frequency = rng.permutation(np.linspace(0, np.pi, KINDS, endpoint=False)), np.linspace(1, 4, KINDS)
    kind, phase = rng.integers(KINDS, size=POOL), rng.uniform(0, 2 * np.pi, (POOL, 1, 1))
    turned = np.cos(angle[kind, None, None]) * x + np.sin(angle[kind, None, None]) * y
    pool = (110 + 60 * np.sin(2 * np.pi * frequency[kind, None, None] * turned + phase)).astype(np.uint8)
    noise = rng.integers(0, 30, (POOL, SIDE, SIDE), dtype=np.uint8)
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, SIDE, SIDE))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        brightness = rng.integers(0, 40, (size, 1, 1), dtype=np.uint8)
        images[start : start + size] = pool[rng.integers(POOL, size=size)] + brightness
        images[start : start + size] += noise[rng.integers(POOL, size=size)]
    images.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

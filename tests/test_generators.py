"""Torch's own generators under several threads."""

import time
from threading import Thread

import torch
from torch import Tensor

from latentclust.generators import CPU, fork_generators, seed_generators


def draws(seed: int) -> Tensor:
    """Twenty numbers of torch's own generator, with pauses in which other threads run."""
    with fork_generators(CPU):
        seed_generators(CPU, seed)
        drawn = []
        for _ in range(20):
            drawn.append(torch.rand(1))
            time.sleep(0.001)
    return torch.cat(drawn)


def test_threads_draw_what_they_draw_alone_and_leave_the_generator_to_the_caller() -> None:
    before = torch.get_rng_state()
    alone = [draws(seed) for seed in range(3)]
    together: dict[int, Tensor] = {}

    def draw(seed: int) -> None:
        together[seed] = draws(seed)

    threads = [Thread(target=draw, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(together[seed], drawn) for seed, drawn in enumerate(alone))
    assert torch.equal(torch.get_rng_state(), before)


def test_forks_nest() -> None:
    with fork_generators(CPU):
        seed_generators(CPU, 1)
        expected = torch.rand(2)
        seed_generators(CPU, 1)
        with fork_generators(CPU):
            torch.rand(5)
        assert torch.equal(torch.rand(2), expected)

"""Rank of this process in a data-parallel run, found without importing torch."""

import os

RANK_VARIABLE = "LOCAL_RANK"
"""Environment variable with the rank, for Lightning Fabric. Launchers such as torchrun set it too."""

LEADER_VARIABLE = "LATENTCLUST_LEADER"
"""Environment variable with the id of the process that started this one for a data-parallel run."""


def process_rank() -> int:
    """Return the rank of this process. It is 0 for the process that the user started, which alone writes and prints."""
    leader = os.environ.get(LEADER_VARIABLE, "")
    return int(os.environ[RANK_VARIABLE]) if leader and leader != str(os.getpid()) else 0

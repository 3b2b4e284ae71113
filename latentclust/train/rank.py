"""Rank of this process in a data-parallel run, found without importing torch."""

import os

RANK_VARIABLE = "LOCAL_RANK"
"""Environment variable that Lightning Fabric sets for the processes that it starts."""


def process_rank() -> int:
    """Return the rank of this process. It is 0 for the process that the user started, which alone writes and prints."""
    return int(os.environ.get(RANK_VARIABLE, "0"))

"""Which process of a data-parallel run this one is; knowing it imports nothing."""

import os

RANK_VARIABLE = "LOCAL_RANK"
"""How Lightning Fabric tells a process that it started."""


def process_rank() -> int:
    """0 for the process that the user started, which alone writes and speaks."""
    return int(os.environ.get(RANK_VARIABLE, "0"))

"""Defaults of a choice of the number of clusters, of the command and of Python."""

SEEDS = 4
"""Number of seeds."""

SUBSAMPLE = 0.8
"""Part of the images in each subsample."""

ROUNDS = 0.5
"""Part of the recipe's rounds."""

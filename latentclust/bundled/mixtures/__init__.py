"""Gaussian mixtures of pixels and vectors, their expectation maximisation, and the merging of their components."""

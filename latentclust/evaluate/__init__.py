"""Scores of a clustering. This is the only package that opens the seal of the ground truth."""

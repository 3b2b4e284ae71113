"""Scenes to be labelled: bands, positions, times and windows."""

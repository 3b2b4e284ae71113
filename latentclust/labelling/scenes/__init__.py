"""Scenes: finding, opening and reading them."""

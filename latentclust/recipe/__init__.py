"""Recipes: TOML files that describe whole experiments."""

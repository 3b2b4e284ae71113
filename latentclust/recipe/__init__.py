"""Recipes: the whole experiment as data."""

"""Plugins: found by their metadata, loaded in isolation, checked, and registered by name."""

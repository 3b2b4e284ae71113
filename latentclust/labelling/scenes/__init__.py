"""Scenes: found, opened and read band by band."""

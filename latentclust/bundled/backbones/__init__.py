"""Backbones: the networks of the papers, and timm models."""

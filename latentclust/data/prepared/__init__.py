"""Prepared data sets: folders with a few arrays per unit and a manifest, which is written last."""

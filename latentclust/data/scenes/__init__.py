"""Scenes: finding and opening rasters, for training and labelling alike."""

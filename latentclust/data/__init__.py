"""Data sets: sources of samples, rasters, tiles, and batches on a device."""

"""Change between two label rasters of one model."""

"""One mosaic of the label rasters of a run."""

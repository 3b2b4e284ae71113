"""Label rasters of scenes of any size, by a model of label maps."""

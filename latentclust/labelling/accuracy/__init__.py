"""Accuracy of a label raster, estimated from reference points or polygons."""

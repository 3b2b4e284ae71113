"""Label rasters as polygons."""

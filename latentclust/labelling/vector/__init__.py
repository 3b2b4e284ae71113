"""Write label rasters as polygons."""

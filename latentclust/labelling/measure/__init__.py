"""Areas of clusters and classes, in whole label rasters and in zones."""

"""Clusters previewed, named and drawn again in finished rasters."""

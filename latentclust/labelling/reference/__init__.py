"""Compare label rasters with reference rasters."""

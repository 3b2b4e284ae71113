"""Label rasters compared with reference rasters."""

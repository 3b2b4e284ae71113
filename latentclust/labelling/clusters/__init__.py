"""Preview clusters, name them, and apply names and colours to finished rasters."""

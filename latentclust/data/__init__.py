"""From an opened data set to batches on a device."""

"""Ways to obtain cluster labels and style for given images."""

"""From a model and images to posteriors."""

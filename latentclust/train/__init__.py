"""Training: one loop over the players of an experiment."""

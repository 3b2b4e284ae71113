"""Training: the loop over the players of an experiment."""

"""Numbers about a clustering: the one layer that opens the seal of the ground truth."""

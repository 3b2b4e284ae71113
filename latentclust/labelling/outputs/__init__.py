"""Files that a labelled scene is written to."""

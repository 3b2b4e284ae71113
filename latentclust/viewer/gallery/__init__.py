"""The gallery of the images of a run, by cluster."""

"""Windows of scenes: the grid, the engine that labels them, and the stitching of their probabilities."""

"""Windows of a scene: the grid, the engine that labels them, and the stitching of their probabilities."""

"""Assembly of an experiment from a recipe and the registry: resolved parts, step plans and networks."""

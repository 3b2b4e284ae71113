"""Terms of an objective, one a file; each names the quantities that it needs by its parameters."""

"""The networks of each role."""

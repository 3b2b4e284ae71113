"""The networks of each role, and what they compute."""

"""The area of interest that outputs are restricted to."""

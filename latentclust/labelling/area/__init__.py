"""The area that outputs are cut to."""

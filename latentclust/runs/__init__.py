"""A whole run: trained, read out, scored and reported into one folder."""

"""The output files of a labelled scene."""

"""Prepared data sets on disk: a folder of arrays, a few for each unit, and the manifest that makes it whole."""

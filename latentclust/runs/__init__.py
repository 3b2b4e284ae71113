"""Runs from recipe to report: training, inference, scores and figures in one folder."""

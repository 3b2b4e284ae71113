"""Inference methods: they compute cluster probabilities and style of given images."""

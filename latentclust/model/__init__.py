"""Trained models, and the model file."""

"""Inference: posteriors of images, and latents for figures."""

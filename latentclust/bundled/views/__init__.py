"""Views: augmentations and preprocessing steps, one per module. Drawing of parameters and their use are separate."""

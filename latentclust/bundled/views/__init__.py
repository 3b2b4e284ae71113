"""Views: augmentations and preprocessing steps, one a module; each keeps what it draws apart from how it applies it."""

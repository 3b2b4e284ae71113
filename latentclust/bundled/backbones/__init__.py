"""Network bodies: the papers' networks, and any timm model."""

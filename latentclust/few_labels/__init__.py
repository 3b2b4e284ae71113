"""Few labels: they name clusters, and others score the names. Nothing is trained on them."""

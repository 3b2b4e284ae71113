"""Every part by latentclust's own conformance kit."""

from latentclust.testing import conformance

test_conformance = conformance("latentclust-vade")

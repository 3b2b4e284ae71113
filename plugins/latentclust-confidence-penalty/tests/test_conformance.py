from latentclust.testing import conformance

test_conformance = conformance("latentclust-confidence-penalty")

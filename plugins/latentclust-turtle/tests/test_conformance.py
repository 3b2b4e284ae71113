"""Every part by latentclust's own conformance kit, where this latentclust has one."""

import pytest

testing = pytest.importorskip("latentclust.testing")
test_conformance = testing.conformance("latentclust-turtle")

"""The conformance kit: checks that every part must pass, run by the tests of a plugin or by `plugins validate`."""

from latentclust.runs.run import load_resolved_recipe
from latentclust.testing.pytest_conformance import conformance
from latentclust.testing.validation_report import Finding, ValidationReport, validate_distribution

__all__ = ["Finding", "ValidationReport", "conformance", "load_resolved_recipe", "validate_distribution"]

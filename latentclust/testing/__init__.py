"""The conformance kit: what every part owes its users, checked in a plugin's own tests or by `plugins validate`."""

from latentclust.runs.run import load_resolved_recipe
from latentclust.testing.pytest_conformance import conformance
from latentclust.testing.validation_report import Finding, ValidationReport, validate_distribution

__all__ = ["Finding", "ValidationReport", "conformance", "load_resolved_recipe", "validate_distribution"]

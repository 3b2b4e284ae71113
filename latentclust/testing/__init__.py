"""The conformance kit: what every part owes its users, checked in a plugin's own tests or by `plugins validate`."""

from latentclust.runs.run import load_resolved_recipe
from latentclust.testing.conformance import conformance
from latentclust.testing.validate_distribution import Examination, Finding, examine

__all__ = ["Examination", "Finding", "conformance", "examine", "load_resolved_recipe"]

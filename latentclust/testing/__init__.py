"""The conformance kit: checks that every part must pass, run by the tests of a plugin or by `plugins validate`."""

from latentclust.runs.run import load_resolved_recipe
from latentclust.testing.docstring_checks import example_recipe
from latentclust.testing.experiments import build_networks, build_part, start_training
from latentclust.testing.pytest_conformance import conformance
from latentclust.testing.small_networks import build_encoder
from latentclust.testing.validation_report import Finding, ValidationReport, validate_distribution, validate_plugin

__all__ = [
    "Finding",
    "ValidationReport",
    "build_encoder",
    "build_networks",
    "build_part",
    "conformance",
    "example_recipe",
    "load_resolved_recipe",
    "start_training",
    "validate_distribution",
    "validate_plugin",
]

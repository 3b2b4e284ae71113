"""What `latentclust plugins validate` prints."""

from itertools import groupby

from rich.console import Console

from latentclust.testing import ValidationReport


def print_report(console: Console, found: ValidationReport) -> None:
    """Every finding below its part, and a last line with the counts."""
    for part, findings in groupby(found.findings, lambda finding: finding.part):
        console.print(part or "the whole plugin", style="bold", markup=False, soft_wrap=True)
        for finding in findings:
            console.print(f"  {finding.check}: {finding.reason}", markup=False, soft_wrap=True)
    skipped = f", {found.skipped} not applicable" if found.skipped else ""
    counts = f"{count(found.parts, 'part')}, {count(found.passed, 'check')} passed{skipped}"
    verdict = f"{len(found.findings)} failed" if found.findings else "ok"
    console.print(f"{found.distribution} {found.version}: {counts}: {verdict}", markup=False, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """`1 part`, `2 parts`."""
    return f"{number} {noun}{'s' * (number != 1)}"

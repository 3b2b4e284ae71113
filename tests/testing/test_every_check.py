"""Every conformance check has a test in which it fails."""

import re
from pathlib import Path

from latentclust.testing import check_table


def every_check() -> set[check_table.Check]:
    kinds = [*check_table.KIND_CHECKS.values(), *(found for _, found in check_table.BASE_CLASS_CHECKS)]
    return {check for found in (check_table.COMMON_CHECKS, check_table.SPEC_CHECKS, *kinds) for check in found}


def test_every_check_is_seen_to_fail():
    text = "\n".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    for check in every_check():
        called = rf"\b{check.__module__.rpartition('.')[2]}\.{check.__name__},"
        assert re.search(called, text) or f'"{check_table.name_of(check)}"' in text, called


def test_every_check_says_what_it_asks():
    for check in every_check():
        assert check.__doc__ is not None
        assert check_table.name_of(check) == check.__name__.replace("_", "-")

"""The commands benchmarks/contrast.py and benchmarks/pixel_ceilings.py without arguments."""

import sys
from typing import Any

import pytest

from tests.docs.scripts import load_script


@pytest.mark.parametrize(("name", "table"), [("contrast", "DATA"), ("pixel_ceilings", "STRIDES")])
def test_without_arguments_all_data_sets_are_measured(name: str, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("benchmarks")
    script, read = load_script(f"benchmarks/{name}.py"), []

    def each(data: str = "landsat7") -> Any:
        read.append(data)
        return object()

    for reader in ("read", "tiles", "scene"):
        monkeypatch.setattr(script, reader, each, raising=False)
    monkeypatch.setattr(script, "measure", lambda *_: {}, raising=True)
    monkeypatch.setattr(script, "spaces", lambda _: (), raising=False)
    monkeypatch.setattr(script, "write", lambda *_: None)
    monkeypatch.setattr(sys, "argv", [name])
    script.main()
    assert read == list(getattr(script, table))

"""Shipped libraries are those of the registry, and templates escape what they are given."""

import hashlib
import re

import pytest
from jinja2 import UndefinedError

from latentclust.web.assets import environment, libraries, library_file, style

HOSTILE = "<script>alert('\u202e\"')</script>&" + "x" * 300


@pytest.mark.parametrize("name", libraries())
def test_a_library_is_shipped_unchanged_and_with_its_licence(name: str) -> None:
    library = libraries()[name]
    for path, digest in library.files.items():
        content = library_file(name, path.rpartition("/")[2]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    assert any(path.startswith("LICENSE") for path in library.files)
    assert library.integrity.startswith("sha512-")
    with pytest.raises(KeyError, match=r"not other\.js"):
        library_file(name, "other.js")


def test_templates_escape_values_and_data() -> None:
    templates = environment("latentclust.web")
    written = templates.from_string("<p title='{{ name }}'>{{ name }}</p>").render(name=HOSTILE)
    assert written.count("<") == 2
    data = "{% from 'data.html' import json_data %}{{ json_data('facts', {'name': name}) }}"
    assert templates.from_string(data).render(name=HOSTILE).count("<") == 2
    with pytest.raises(UndefinedError):
        templates.from_string("{{ missing }}").render()


def test_text_is_legible_on_every_ground_in_light_and_in_dark() -> None:
    tokens = dict(re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", style()))
    for text in ("text", "muted", "accent", "error", "good"):
        for ground in ("ground", "surface", "raised"):
            for one, other in zip(tokens[text].split(", "), tokens[ground].split(", "), strict=True):
                assert _contrast(one, other) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, 1.4.3)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

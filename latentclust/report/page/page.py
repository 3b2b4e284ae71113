"""Rendering of a page as one self-contained HTML file that sends no request."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from latentclust.files import OUT_FIX, write_atomic
from latentclust.report.display_names import isolate
from latentclust.report.page.modules import join_modules
from latentclust.report.page.sample_table import SampleTable
from latentclust.report.page.section import Section
from latentclust.web.assets import environment, library_file, style

REPORT_PAGE = "report.html"

PACKAGE = "latentclust.report.page"

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {scripts}; base-uri 'none'; "
    "form-action 'none'"
)
"""Content security policy of a page: its own scripts run, by their hashes, and no request leaves it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: what matters on top, and sections below.

    Attributes:
        title: Heading, which is also the title of the browser's tab.
        subtitle: What the page is about, one or two sentences.
        verdict: Comparison with the baselines, a sentence each.
        spread: What is known about the spread over seeds, one sentence.
        alarms: Sentences about what is wrong, such as empty clusters.
        notes: Sentences that qualify the result, such as that the run is a trial.
        glance: Terms and values shown as a list beside the verdict, such as the number of images.
        sections: The sections in their order.
        samples: Samples whose pictures the sections show. None for a page without such pictures.
        css: Rules for what only this page has, such as the colours of its clusters.
    """

    title: str
    subtitle: str
    verdict: tuple[str, ...] = ()
    spread: str = ""
    alarms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    glance: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    samples: SampleTable | None = None
    css: str = ""

    def with_sections(self, sections: Sequence[Section]) -> "Page":
        """Return the page with more sections at the end."""
        return replace(self, sections=(*self.sections, *sections))


def write_page(path: Path, page: Page, fix: str = OUT_FIX) -> Path:
    """Write a page and return its path. Raise LatentclustError with the advice `fix` if it cannot be written."""
    # A file name may have bytes that are no UTF-8, which Python keeps as surrogates.
    write_atomic(path, render_page(page).encode("utf-8", "replace"), fix)
    return path


def render_page(page: Page) -> str:
    """Return a page as HTML with all styles, scripts and data in it."""
    templates = _templates()
    keys = [section.key for section in page.sections]
    assert len(set(keys)) == len(keys), f"the keys of the sections are not unique: {keys}"
    libraries = dict.fromkeys(library for section in page.sections for library in section.libraries)
    classic = [library_file(*library).read_text(encoding="utf-8") for library in libraries]
    modules = list(dict.fromkeys(["page.js", *(section.script for section in page.sections if section.script)]))
    module = join_modules(modules, lambda name: _read("scripts", name))
    sheets = dict.fromkeys(["page.css", *(section.style for section in page.sections if section.style)])
    return templates.get_template("page.html").render(
        page=page,
        policy=POLICY.format(scripts=" ".join(_hash(script) for script in (*classic, module))),
        styles=_inline("style", "\n".join([style(), *(_read("styles", name) for name in sheets), page.css])),
        libraries=[_inline("script", text) for text in classic],
        module=_inline("script", module),
    )


@cache  # several seeds write several pages, and templates are compiled once
def _templates() -> Environment:
    templates = environment(PACKAGE)
    templates.policies["json.dumps_kwargs"] = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}
    templates.filters["prose"] = _prose
    templates.filters["isolate"] = isolate  # for attributes; elements have <bdi>
    return templates


def _prose(text: str) -> Markup:
    """Return text whose parts between backticks are code."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _inline(tag: str, text: str) -> Markup:
    """Return trusted text of a style or a script, as it is."""
    assert f"</{tag}" not in text.lower(), f"the text would end the element {tag}"
    return Markup(text)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _read(folder: str, name: str) -> str:
    return (files(PACKAGE) / folder / name).read_text(encoding="utf-8")

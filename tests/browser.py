"""Headless Chromium for tests of pages: fixtures `browser` and `open_page`, which tests/conftest.py provides.

Tests that need them are skipped where no browser is found. The environment variable LATENTCLUST_CHROMIUM names another
executable than the `chromium` of the PATH.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
"""A sandbox needs another user than root; WebGL is drawn by software; nothing is asked of other hosts."""

SERIOUS = ("serious", "critical")


@dataclass
class OpenPage:
    """A page in the browser.

    Attributes:
        page: Page of playwright.
        requests: URL of every request since the page was opened, but for `data:` and `blob:`.
        errors: Every error that the page's scripts raised or wrote to the console.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def serious_violations(self) -> list[str]:
        """Return what axe-core reports as serious or critical: rule, and the elements that violate it."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{each['id']}: {', '.join(str(node['target'][0]) for node in each['nodes'])}"
            for each in found
            if each["impact"] in SERIOUS
        ]

    def foreign_requests(self, origin: str) -> list[str]:
        """Return the requests that went elsewhere than to an origin, such as `http://127.0.0.1:8000`."""
        return [url for url in self.requests if "{0.scheme}://{0.netloc}".format(urlsplit(url)) != origin]


class OpenPageIn(Protocol):
    """Open a page: `open_page(path_or_url, width=1280, dark=False)`."""

    def __call__(self, target: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False) -> OpenPage: ...


def find_chromium() -> str | None:
    """Return the executable of the browser. None if there is none."""
    named = os.environ.get("LATENTCLUST_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of a module. It is closed after them, because playwright keeps an event loop running."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no browser: install chromium, or set LATENTCLUST_CHROMIUM to its executable")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPageIn]:
    """Open pages, each in a context of its own, which is closed after the test."""
    contexts: list[Any] = []

    def open_in(target: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False) -> OpenPage:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        contexts.append(context)
        opened = OpenPage(context.new_page())
        page = opened.page
        page.on("request", lambda request: _record(opened.requests, request.url))
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("console", lambda message: opened.errors.append(message.text) if message.type == "error" else None)
        page.goto(target.resolve().as_uri() if isinstance(target, Path) else target)
        return opened

    yield open_in
    for context in contexts:
        context.close()


def _record(requests: list[str], url: str) -> None:
    if not url.startswith(("data:", "blob:")):
        requests.append(url)

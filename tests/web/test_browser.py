"""The browser of the tests sees what a page asks for, where its scripts fail, and what axe-core reports."""

from pathlib import Path

from latentclust.web.assets import style
from tests.browser import OpenPageIn

PAGE = """<!doctype html><html lang="en"><head><title>A page</title><style>{style}</style></head>
<body><main><h1>A page</h1><p class="muted">Muted text.</p>
<button>Press</button><button class="primary">Save</button>{more}</main></body></html>"""


def test_a_page_of_the_shared_style_is_clean(open_page: OpenPageIn, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE.format(style=style(), more=""))
    for dark in (False, True):
        opened = open_page(tmp_path / "page.html", dark=dark)
        assert opened.serious_violations() == []
        assert opened.errors == []
        assert opened.foreign_requests("file://") == []


def test_requests_errors_and_violations_are_recorded(open_page: OpenPageIn, tmp_path: Path) -> None:
    more = "<img src='http://127.0.0.1:9/a.png'><script>throw new Error('told')</script>"
    (tmp_path / "page.html").write_text(PAGE.format(style=style(), more=more))
    opened = open_page(tmp_path / "page.html")
    assert opened.foreign_requests("file://") == ["http://127.0.0.1:9/a.png"]
    assert any("told" in error for error in opened.errors)
    assert any(violation.startswith("image-alt") for violation in opened.serious_violations())

"""Protection of standard output and error while plugin code runs: it can neither print results nor close a stream."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

DESCRIPTORS = {"stdout": 1, "stderr": 2}
"""The file descriptor of each standard stream."""

MAX_CAPTURED = 400
"""Maximum number of printed characters that are reported."""


class _ProxyText(io.TextIOWrapper):
    """The text stream of a proxy.

    Attributes:
        rich_proxied_file: What a console of rich writes to. While it draws a progress bar, the standard stream is a
            proxy of its own that calls the console, which would call itself.
    """

    rich_proxied_file: Any = None


class _StreamProxy(io.RawIOBase):
    """The bytes below a standard stream, which plugin code may close or wrap in a stream of its own without harm.

    Code that keeps the stream, such as a log handler made on import, continues to write to the real stream afterwards.

    Attributes:
        capturing: Whether what is written is collected in `captured` instead of being passed on.
        text: The text stream that replaces the standard stream.
    """

    def __init__(self, stream: Any, *, capturing: bool) -> None:
        super().__init__()
        self.capturing = capturing
        self.captured = bytearray()
        self._stream = stream
        buffer = cast(Any, self)  # a text stream accepts raw bytes too, as long as it does not buffer
        self.text = _ProxyText(buffer, "utf-8", "backslashreplace", newline="", write_through=True)
        self.text.rich_proxied_file = self.text if capturing else getattr(stream, "rich_proxied_file", self.text)

    def writable(self) -> bool:
        """Return True: the stream accepts bytes."""
        return True

    def write(self, data: Any) -> int:
        """Collect the bytes, or pass them on as UTF-8 text."""
        found = bytes(data)
        if self.capturing:
            self.captured += found
        elif self._stream is not None:
            self._stream.write(found.decode("utf-8", errors="replace"))
        return len(found)

    def flush(self) -> None:
        """Flush the real stream."""
        if not self.capturing and self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Do nothing."""

    def fileno(self) -> int:
        """Return the descriptor of the real stream, to which child processes may write."""
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        """Return whether the real stream is a terminal."""
        return self._stream is not None and bool(self._stream.isatty())


@contextmanager
def protect_streams(remark: Callable[[str], None]) -> Iterator[None]:
    """Replace both standard streams by proxies, and restore them afterwards.

    What is printed on `sys.stdout` becomes a remark. What is written to its descriptor goes to standard error.
    contextlib replaces the streams; descriptors and closed streams, which it does not cover, are handled here.
    """
    output, error = _StreamProxy(sys.stdout, capturing=True), _StreamProxy(sys.stderr, capturing=False)
    with ExitStack() as stack:
        stack.callback(_report_captured, output, remark)
        stack.callback(_reopen_closed, remark)
        stack.enter_context(_restored_descriptors())
        stack.enter_context(redirect_stdout(output.text))
        stack.enter_context(redirect_stderr(error.text))
        try:
            yield
        finally:
            # A stream that the plugin put in place of a proxy may hold text that it has not written yet.
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):
                    stream.flush()
            output.capturing = False


def _report_captured(output: _StreamProxy, remark: Callable[[str], None]) -> None:
    text = " ".join(output.captured.decode("utf-8", errors="replace").split())
    if text:
        remark(f"it printed {text[:MAX_CAPTURED]!r}, which was kept from standard output")


@contextmanager
def _restored_descriptors() -> Iterator[None]:
    """Point standard output at standard error, and restore both descriptors, closed or not."""
    _flush_own()
    copies: dict[int, int] = {}
    for descriptor in DESCRIPTORS.values():
        with suppress(OSError):  # the descriptor may be closed
            copies[descriptor] = os.dup(descriptor)
    with suppress(OSError):
        os.dup2(2, 1)
    try:
        yield
    finally:
        _flush_own()
        for descriptor, copy in copies.items():
            os.dup2(copy, descriptor)
            os.close(copy)


def _flush_own() -> None:
    """Flush Python's own standard output to where its descriptor points at the moment."""
    with suppress(OSError, ValueError, AttributeError):
        cast(TextIO, sys.__stdout__).flush()


def _reopen_closed(remark: Callable[[str], None]) -> None:
    """Open Python's own streams, `sys.__stdout__` and `sys.__stderr__`, again if they were closed."""
    for name, descriptor in DESCRIPTORS.items():
        own = getattr(sys, f"__{name}__")
        if not getattr(own, "closed", False):
            continue
        opened = open(descriptor, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 (stays open)
        if getattr(sys, name) is own:
            setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
        remark(f"it closed sys.{name}, which was opened again")

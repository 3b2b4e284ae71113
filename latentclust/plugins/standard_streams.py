"""Standard output and error while a plugin's code runs, which may neither speak on the first nor close either."""

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

NAMES = {"stdout": 1, "stderr": 2}
"""The streams and their descriptors."""

LONGEST = 400
"""Characters that are told of what was printed; the rest is cut."""


class _Lent:
    """A standard stream as a plugin sees it: it can neither be closed nor be taken apart.

    Code that keeps hold of it, such as a log handler made on import, goes on writing to where it meant to.

    Attributes:
        shut: Whether what is written is kept back, in `said`, and not passed on.
        buffer: A stream of bytes that become text here.
    """

    def __init__(self, stream: Any, *, shut: bool) -> None:
        self.shut = shut
        self.said: list[str] = []
        self.buffer = _Bytes(self)
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes as a stream does."""
        if self.shut:
            self.said.append(text)
        elif self._stream is not None:
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each."""
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Nothing."""

    def detach(self) -> "_Bytes":
        """The bytes below it, which stay."""
        return self.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Bytes(io.RawIOBase):
    """The bytes below a lent stream, which a wrapper may close without harm."""

    def __init__(self, text: _Lent) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor of the stream, to which other processes may write."""
        return int(self._text.fileno())

    def write(self, data: Any) -> int:
        """Writes them as text of UTF-8."""
        found = bytes(data)
        self._text.write(found.decode("utf-8", errors="replace"))
        return len(found)


@contextmanager
def kept(remark: Callable[[str], None]) -> Iterator[None]:
    """Lends both streams, and puts them back; a stream that was closed nevertheless is opened again.

    Standard output is shut: `sys.stdout` into a remark, the descriptor below it onto standard error.
    """
    streams = {name: getattr(sys, name) for name in NAMES}
    output, error = _Lent(streams["stdout"], shut=True), _Lent(streams["stderr"], shut=False)
    _flush()
    copies = {descriptor: _copy(descriptor) for descriptor in NAMES.values()}
    with suppress(OSError):
        os.dup2(2, 1)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, error)
    try:
        yield
    finally:
        _flush_wrappers()
        output.shut = False
        _flush()
        for descriptor, copy in copies.items():
            _back(descriptor, copy)
        for name, stream in streams.items():
            _put_back(name, stream, remark)
        if said := " ".join("".join(output.said).split()):
            remark(f"it printed {said[:LONGEST]!r}, which was kept from standard output")


def _flush_wrappers() -> None:
    """What was written to a stream that took the place of a lent one has been said."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a third party's stream, or none
            stream.flush()


def _flush() -> None:
    """What was written to Python's own stream goes to where its descriptor points at present."""
    with suppress(OSError, ValueError, AttributeError):
        cast(TextIO, sys.__stdout__).flush()


def _copy(descriptor: int) -> int | None:
    """Another descriptor of the same file; None where it is closed."""
    with suppress(OSError):
        return os.dup(descriptor)
    return None


def _back(descriptor: int, copy: int | None) -> None:
    if copy is not None:
        os.dup2(copy, descriptor)
        os.close(copy)


def _put_back(name: str, stream: Any, remark: Callable[[str], None]) -> None:
    """A stream under its name, opened anew where it was closed; so is Python's own one, of two underscores."""
    setattr(sys, name, stream)
    own = getattr(sys, f"__{name}__")
    if not getattr(own, "closed", False):
        return
    opened = open(NAMES[name], "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 (stays open)
    setattr(sys, f"__{name}__", opened)
    if stream is own:
        setattr(sys, name, opened)
    remark(f"it closed sys.{name}, which was opened again")

"""Standard streams that are closed, full or no longer read: what is printed there is lost, and the command goes on."""

import errno
import io
import os
import sys
from typing import Any

FILES = (
    "run",
    "label",
    "change",
    "predict",
    "sample",
    "clusters",
    "data prepare",
    "data fetch",
    "recipe new",
    "plugins new",
)
"""Commands whose results are files. What they print is a summary."""

LOST = 1
"""Exit code if results could not be printed."""

_ERRORS = "backslashreplace"
"""How characters that a stream cannot encode are printed."""


class _LossyFile(io.FileIO):
    """A standard stream. After a failed write, this and all further output is discarded.

    Attributes:
        failure: Reason of the failure.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write bytes. Those that cannot be written are discarded."""
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            # Also for child processes and libraries, which write to the descriptor.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return len(data)


def protect_streams() -> None:
    """Open closed standard streams to the null device, and let no failed write to one raise an error.

    The descriptor of a closed stream would otherwise be that of the next file that is opened. Streams that the caller
    has replaced stay.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free descriptor is this one. Child processes inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (stays open)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is not getattr(sys, f"__{name}__") or isinstance(_raw(stream), _LossyFile):
            continue
        opened = _open_lossy(descriptor, stream)
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def _open_lossy(descriptor: int, stream: Any) -> io.TextIOWrapper:
    if stream is not None:
        stream.flush()
    file = _LossyFile(descriptor, "w", closefd=False)
    encoding = stream.encoding if stream else "utf-8"
    at_once = descriptor == 2 or file.isatty()
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, _ERRORS, line_buffering=at_once)


def report_lost_output(code: int, words: list[str]) -> int:
    """Report results that could not be printed. Return the exit code of a command that would have had `code`.

    A reader that has read enough (`| head`) and a stream that was closed from the start are no failures.
    """
    sys.stdout.flush()
    failure = getattr(_raw(sys.stdout), "failure", None)
    if failure is None or failure.errno == errno.EPIPE:
        return code
    kept = " ".join([word for word in words if not word.startswith("-")][:2]).startswith(FILES)
    word, advice = ("warning", "The files are complete") if kept else ("error", "Free some space, and run it again")
    print(f"{word}: standard output: cannot be written ({failure.strerror}). {advice}.", file=sys.stderr)
    return code if kept else code or LOST


def _raw(stream: Any) -> Any:
    """Return the file below a text stream."""
    return getattr(getattr(stream, "buffer", None), "raw", None)

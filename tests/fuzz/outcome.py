"""How a command ended, and what of that no input may cause."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

CODES = (0, 1, 2, 130)
MESSAGE = re.compile(r"^(error|stopped): ", re.MULTILINE)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: The exit code; an error that escaped, as text.
        out: Standard output.
        err: Standard error.
        leftovers: Temporary files that stayed.
        hung: Whether it was stopped because it took too long.
        touched: Connections, and paths of hostile values that were opened.
    """

    code: int | str
    out: str
    err: str
    leftovers: tuple[str, ...]
    touched: tuple[str, ...]
    hung: bool = False

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with it."""
        printed = self.out + self.err
        if self.code not in CODES:
            yield f"exit code {self.code}"
        yield from ["hangs"] * self.hung
        if len(MESSAGE.findall(self.err)) != bool(self.code):
            yield f"exit code {self.code} with {len(MESSAGE.findall(self.err))} messages"
        for words in ("Traceback", "internal error", "a bug in"):
            if words in printed:
                yield words
        if found := CONTROL.search(printed):
            yield f"prints the control character {found[0]!r}"
        if self.leftovers:
            yield f"leaves {self.leftovers[0]}"
        if self.touched:
            yield f"touches {self.touched[0]}"

"""The entry point of the process: standard streams, signals, errors and exit codes. The commands are in `app.py`."""

import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from latentclust.cli.streams import protect_streams, report_lost_output
from latentclust.stopping import interrupt_on_signals

DEBUG = "--debug"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit. `arguments` default to those of the process."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    protect_streams()
    with interrupt_on_signals():
        code = _run(given)
    sys.exit(report_lost_output(code, given))


def _run(given: list[str]) -> int:
    """Run a command and return its exit code. Every error is reported here, in the same format."""
    try:
        from latentclust.cli.app import app
        from latentclust.cli.terminal import expand_home

        app(args=[expand_home(argument) for argument in given if argument != DEBUG], prog_name="latentclust")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (Exception, KeyboardInterrupt) as error:
        if DEBUG in given:
            traceback.print_exception(error)
        from latentclust.cli.error_messages import print_error

        return print_error(error)
    return 0

"""Attribution of unexpected errors to latentclust or to a plugin."""

from collections.abc import Iterator
from traceback import walk_tb

from latentclust.plugins.distributions import BUNDLED, scan_distributions
from latentclust.plugins.source_modules import MODULE


def error_distribution(error: BaseException) -> str:
    """Return the distribution that raised an error: a plugin with its version, or latentclust.

    An error inside a library is attributed to the caller of the library.
    """
    owners = {entry.module.partition(".")[0]: str(one) for one in scan_distributions().used for entry in one.entries}
    owners[BUNDLED] = BUNDLED
    return next((owners[root] for root, _, _ in _frames(error) if root in owners), BUNDLED)


def error_plugin_file(error: BaseException) -> tuple[str, int] | None:
    """Return the plugin file that raised an error, and the line. None if anything else raised it."""
    for root, file, line in _frames(error):
        if root.startswith(MODULE):
            return file, line
        if root == BUNDLED:
            return None
    return None


def _frames(error: BaseException) -> Iterator[tuple[str, str, int]]:
    """Yield the top-level package, the file and the line of each frame, the innermost first."""
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        yield str(frame.f_globals.get("__name__", "")).partition(".")[0], frame.f_code.co_filename, line


def damaged_distributions() -> str:
    """Return the distributions with unreadable entry points, with their folders and the reasons, or an empty string.

    They affect more than plugins: torch, for example, reads all entry points when it is imported.
    """
    scan = scan_distributions()
    damaged = [one for one in (*scan.used, *scan.excluded) if not one.entries]
    return "; ".join(f"{one} in {one.folder}: {one.error}" for one in damaged)

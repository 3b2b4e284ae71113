"""Attribution of unexpected errors to latentclust or to a plugin."""

from traceback import walk_tb

from latentclust.plugins.distributions import BUNDLED, scan_distributions


def error_distribution(error: BaseException) -> str:
    """Return the distribution that raised an error: a plugin with its version, or latentclust.

    An error inside a library is attributed to the caller of the library.
    """
    owners = {entry.module.partition(".")[0]: str(one) for one in scan_distributions().used for entry in one.entries}
    owners[BUNDLED] = BUNDLED
    roots = [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    return next((owners[root] for root in reversed(roots) if root in owners), BUNDLED)


def damaged_distributions() -> str:
    """Return the distributions with unreadable entry points, with their folders and the reasons, or an empty string.

    They affect more than plugins: torch, for example, reads all entry points when it is imported.
    """
    scan = scan_distributions()
    damaged = [one for one in (*scan.used, *scan.excluded) if not one.entries]
    return "; ".join(f"{one} in {one.folder}: {one.error}" for one in damaged)

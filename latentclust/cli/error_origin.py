"""Whose code an unforeseen error comes from: latentclust's own, or a plugin's."""

from traceback import walk_tb

from latentclust.plugins.distributions import BUNDLED, scan_distributions


def error_distribution(error: BaseException) -> str:
    """The distribution whose code was last at work when an error was raised: a plugin with its version, or latentclust.

    Libraries are passed over: who called them with what made them fail is whose error it is.
    """
    owners = {entry.module.partition(".")[0]: str(one) for one in scan_distributions().used for entry in one.entries}
    owners[BUNDLED] = BUNDLED
    roots = [str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    return next((owners[root] for root in reversed(roots) if root in owners), BUNDLED)


def damaged_distributions() -> str:
    """Distributions whose entry points cannot be read, with where they lie and why; empty where there are none.

    They spoil more than plugins: torch, for one, reads the entry points of everything when it is imported.
    """
    scan = scan_distributions()
    damaged = [one for one in (*scan.used, *scan.excluded) if not one.entries]
    return "; ".join(f"{one} in {one.folder}: {one.error}" for one in damaged)

"""What is remarkable about a recipe and its data, as warnings of Python."""

import warnings

from latentclust.assemble.experiment import LOWERED
from latentclust.train.events import NullListener


class PythonWarnings(NullListener):
    """A listener that shows no progress, but warns by `warnings.warn`.

    A batch size above the number of samples is no reason, because the batch sizes of recipes are for large data sets.
    """

    def on_warning(self, text: str) -> None:
        """Warn by a UserWarning."""
        if LOWERED not in text:
            warnings.warn(text, UserWarning, stacklevel=2)

"""Write the graph and the code of docs/explanation/training-step.md.

Run `python docs/scripts/training_step.py`. tests/docs/test_training_step.py fails if the page is out of date.
"""

import inspect
import re
import textwrap
from pathlib import Path

from latentclust.assemble.graph import mermaid
from latentclust.assemble.resolve import resolve_system
from latentclust.plugins.registry import installed
from latentclust.train.step import Player

PAGE = Path(__file__).parents[1] / "explanation" / "training-step.md"

SYSTEM = "dls@1"


def filled(text: str) -> str:
    """Return the page with the current graph of the system and the current source of the two methods."""
    graph = f"```mermaid\n{mermaid(resolve_system(SYSTEM, installed()))}```"
    text = re.sub(r"^```mermaid\n.*?^```$", lambda _: graph, text, flags=re.MULTILINE | re.DOTALL)
    for method in (Player.step, Player.compute):
        source = textwrap.dedent(inspect.getsource(method))
        head = source.partition("(")[0]
        block = rf"^```python\n{re.escape(head)}\(.*?^```$"
        text = re.sub(block, lambda _, code=source: f"```python\n{code}```", text, flags=re.MULTILINE | re.DOTALL)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Compare `latentclust --help` with a small typer app: `python benchmarks/help_latency.py [--pairs 30] [--record]`.

Both start the same interpreter on a two-line script in a temporary folder, in turn, so that a busy machine slows both
equally; the result is the median of the ratios of consecutive runs. Prints JSON; --record also writes it to
benchmarks/results/.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS = "from latentclust.cli.main import main\nmain()\n"

TWO_COMMANDS = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Say hello."""
    print(name)


@app.command()
def goodbye(name: str, formal: bool = False) -> None:
    """Say goodbye."""
    print(name, formal)


app()
'''


def main() -> None:
    """Time both and print the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/help_latency.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours.py"), Path(folder, "two_commands.py")
        ours.write_text(OURS)
        plain.write_text(TWO_COMMANDS)
        for script in (ours, plain):  # byte code is compiled once, as in an installation
            seconds(script)
        pairs = [(seconds(ours), seconds(plain)) for _ in range(options.pairs)]
    findings = {
        "latentclust_seconds": statistics.median(pair[0] for pair in pairs),
        "two_command_app_seconds": statistics.median(pair[1] for pair in pairs),
        "ratio": statistics.median(one / other for one, other in pairs),
        "pairs": options.pairs,
    }
    print(json.dumps(findings, indent=2))
    if options.record:
        from provenance import write

        write("help_latency", findings)


def seconds(script: Path) -> float:
    """Return the wall-clock time of `script --help`, from start to exit."""
    start = time.perf_counter()
    subprocess.run([sys.executable, script, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

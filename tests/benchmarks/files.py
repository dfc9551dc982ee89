"""What it costs to read a large file: seconds, and memory beyond what the program itself takes.

``python -m tests.benchmarks.files`` writes a wide and a long file of a million rows each, in the order of time and in
that of the series, and reads them as `replay` does, each in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.files.tables import survey

ROWS = 1_000_000
FIRST = datetime(2000, 1, 1)


def wide(rows: int) -> Iterator[str]:
    """Two series, a row a minute, in the order of time: it is streamed."""
    yield "date,load,temperature\n"
    for row in range(rows):
        yield f"{FIRST + timedelta(minutes=row)},{row % 1440 / 7:.3f},{row % 977 / 13:.3f}\n"


def long(rows: int) -> Iterator[str]:
    """Series of 2,000 days, one after the other: they are sorted in memory."""
    yield "item,date,sales\n"
    for row in range(rows):
        yield f"item_{row // 2000},{(FIRST + timedelta(days=row % 2000)).date()},{row % 365 / 7:.3f}\n"


FILES = {"wide": wide, "long": long}


def megabytes() -> float:
    """The most memory that this process had at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(path: Path) -> str:
    """Read a file as `replay` does."""
    before, started = megabytes(), time.perf_counter()
    table = survey(path)
    surveyed = time.perf_counter() - started
    events = sum(1 for _ in table.events())
    seconds = time.perf_counter() - started
    return (
        f"{events:,} events: surveyed in {surveyed:.1f} s, read after {seconds:.1f} s, {megabytes() - before:.0f}"
        " MB more"
    )


def main() -> None:
    """Write the files, and read each in a process of its own."""
    if len(sys.argv) > 1:
        print(cost(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in FILES.items():
            path = Path(folder) / f"{name}.csv"
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(rows(ROWS))
            command = [sys.executable, "-m", "tests.benchmarks.files", str(path)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            print(f"{name}, {path.stat().st_size / 1e6:.0f} MB: {told.strip()}", flush=True)


if __name__ == "__main__":
    main()

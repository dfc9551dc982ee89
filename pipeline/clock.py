"""Time, as an argument: what depends on it can be tested without waiting."""

import os
import threading
import time
from pathlib import Path

PROC = Path("/proc")
FIRST_IMPORT = time.time()


class Clock:
    """The time, as an argument; seconds."""

    def now(self) -> float:
        """From any start, never backwards."""
        return time.monotonic()

    def wall(self) -> float:
        """Since the epoch."""
        return time.time()

    def started(self) -> float:
        """When this process started, in seconds since the epoch; where the system does not tell, its first import."""
        return started()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Until `event`, `seconds` at most."""
        event.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        time.sleep(seconds)


def started(proc: Path = PROC) -> float:
    """When this process started, by the system; without `/proc`, when this was imported."""
    stat, boot = proc / "self/stat", proc / "stat"
    if not (stat.is_file() and boot.is_file()):
        return FIRST_IMPORT
    ticks = int(stat.read_text().rpartition(")")[2].split()[19])  # the name before may hold anything
    (booted,) = (int(line.split()[1]) for line in boot.read_text().splitlines() if line.startswith("btime "))
    return booted + ticks / os.sysconf("SC_CLK_TCK")

"""What each process of the daemon does alike: it logs to standard error, and is stopped by signals."""

import logging
import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

logger = logging.getLogger(__name__)

CGROUPS = Path("/sys/fs/cgroup")
OURS = Path("/proc/self/cgroup")
STATM = Path("/proc/self/statm")


def processors(cgroups: Path = CGROUPS, ours: Path = OURS) -> int:
    """How many processors this process may use: those that are there, and what its container or unit grants."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    names = [line.removeprefix("0::/") for line in _lines(ours) if line.startswith("0::/")]
    quotas = [line.split() for name in names for line in _lines(cgroups / name / "cpu.max")]  # us in a period of us
    granted = (math.ceil(int(limit) / int(period)) for limit, period in quotas if limit != "max")
    return max(1, min([allowed, *granted]))


def resident_memory(statm: Path = STATM) -> int:
    """Bytes that this process has in memory; 0 where the system does not tell."""
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.is_file() else 0


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.is_file() else []


def start_log(level: str, who: str = "") -> None:
    """Events for the operator on standard error; Kafka's client says little unless all is wanted.

    Parameters
    ----------
    level
        The least important that is told.
    who
        Stands in each line, where several processes write to one log.
    """
    name = f"[{who}] " if who else ""
    logging.basicConfig(level=level.upper(), format=f"%(asctime)s %(levelname)-7s {name}%(message)s")
    logging.getLogger("kafka").setLevel(logging.DEBUG if level == "debug" else logging.CRITICAL)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; a second one ends the process at once."""

    def first(number: int, _: FrameType | None) -> None:
        logger.info("%s: stopping after this cycle; once more to stop at once", signal.Signals(number).name)
        for one in kinds:
            signal.signal(one, signal.SIG_DFL)
        stop()

    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, first) for one in kinds]
    try:
        yield
    finally:
        for one, handler in zip(kinds, before, strict=True):
            signal.signal(one, handler)

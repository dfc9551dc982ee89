"""What each process of the daemon does alike: it logs to standard error, and is stopped by signals."""

import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from pipeline.log_lines import JsonLines, TextLines, Troubles, without_debug_traces
from pipeline.settings import Log

logger = logging.getLogger(__name__)

FAILURE = 1  # exit code
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


def start_log(log: Log, secrets: Sequence[str] = (), worker: int | None = None) -> Troubles:
    """Events for the operator on standard error; Kafka's client says little unless all is wanted.

    Parameters
    ----------
    log
        The settings.
    secrets
        Are masked wherever they turn up.
    worker
        Its number stands in each line, where several processes write to one log.

    Returns
    -------
    Troubles
        What was a warning or worse, from now on.
    """
    who = "" if worker is None else f"worker {worker}"
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines(worker, secrets) if log.format == "json" else TextLines(who, secrets))
    lines.addFilter(without_debug_traces)
    troubles = Troubles(secrets)
    logging.basicConfig(handlers=[lines, troubles])
    if log.format == "json":
        logging.captureWarnings(True)
        sys.excepthook = _log_failure
    set_level(log.level)
    return troubles


def set_level(level: str) -> None:
    """The least important that is told from now on."""
    logging.getLogger().setLevel(level.upper())
    logging.getLogger("kafka").setLevel(logging.DEBUG if level == "debug" else logging.CRITICAL)


def _log_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback as one line of the log."""
    logger.critical("the process ends by an error that nobody expected", exc_info=(kind, error, trace))


@contextmanager
def stopped_by_signals(stop: Callable[[], None], within: float = math.inf) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; a second one ends the process at once, and so does the end of its time.

    Parameters
    ----------
    stop
        Notes that the block is to end.
    within
        Seconds that the block may then still take.
    """
    over = threading.Event()

    def first(number: int, _: FrameType | None) -> None:
        logger.info("%s: stopping after this cycle; once more to stop at once", signal.Signals(number).name)
        for one in kinds:
            signal.signal(one, signal.SIG_DFL)
        if within < math.inf:
            threading.Thread(target=_end_unless, args=(over, within), name="budget", daemon=True).start()
        stop()

    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, first) for one in kinds]
    try:
        yield
    finally:
        over.set()
        for one, handler in zip(kinds, before, strict=True):
            signal.signal(one, handler)


def _end_unless(over: threading.Event, within: float) -> None:
    if over.wait(within):
        return
    logger.critical(
        "not stopped within %g s (delivery.stop_within): ending as it stands; nothing is lost, the next start goes on"
        " from the last commit",
        within,
    )
    logging.shutdown()
    os._exit(FAILURE)


@contextmanager
def reloading_by_signal(reload: Callable[[], None], hang_up: Callable[[], None]) -> Iterator[None]:
    """SIGHUP calls `reload`; but `hang_up` where it says that the terminal is gone in which the process was started."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    has_terminal = os.isatty(2)

    def heard(_: int, __: FrameType | None) -> None:
        if has_terminal and not os.isatty(2):
            hang_up()
        else:
            reload()

    before = signal.signal(signal.SIGHUP, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)

"""Keeps several workers running: starts them, starts those again that end, and ends with all of them.

Each runs in a process of its own (`pipeline.workers.child`). A worker that ends unasked is started again after 1 s,
2 s, 4 s and so on up to a minute, until it has been up for a minute. One that ends by itself with a failure cannot work
with these settings: then all end, with its exit code.
"""

import logging
import signal
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, Protocol

from pipeline.clock import Clock
from pipeline.settings import Settings
from pipeline.workers.pipes import Ended
from pipeline.workers.process import Seen
from pipeline.workers.totals import RESTARTS, Page, Sums, added, counted, read

logger = logging.getLogger(__name__)

FAILURE, USAGE = 1, 2  # exit codes
TICK = 0.2  # seconds from one look to the next
STEADY = 60.0  # seconds up after which the failures before are forgotten
LONGEST_WAIT = 60.0  # seconds until a worker is started again
SETTLED = 15.0  # seconds that a worker is without a partition before that is told


class Running(Protocol):
    """A worker's process: see `pipeline.workers.process`."""

    @property
    def pid(self) -> int: ...
    @property
    def seen(self) -> Seen | None: ...
    @property
    def up_at(self) -> float | None: ...
    @property
    def ended(self) -> Ended | None: ...
    @property
    def code(self) -> int | None: ...
    def ask(self, path: str) -> tuple[int, bytes]: ...
    def stop(self) -> None: ...
    def change(self, settings: Settings) -> None: ...


class Place(NamedTuple):
    """One of the workers, whichever process it has.

    Attributes
    ----------
    number
        Which, from 0.
    process
        None while it waits to be started.
    failures
        How often in a row it has ended unasked.
    restarts
        How often it was started again.
    due
        When it is to be started.
    replaces
        Whether the process before may not have left the group.
    why
        How that one ended; "" before the first end.
    """

    number: int
    process: Running | None = None
    failures: int = 0
    restarts: int = 0
    due: float = float("-inf")
    replaces: bool = False
    why: str = ""


class Roster(NamedTuple):
    """All workers at one moment.

    Attributes
    ----------
    places
        By number.
    kept
        What was counted by processes that have ended.
    is_stopping
        Whether they are to end.
    """

    places: tuple[Place, ...]
    kept: Sums
    is_stopping: bool


class Supervisor:
    """The parent of so many workers.

    Parameters
    ----------
    start
        Starts a worker by its number, and whether it replaces one that may still be in the group. It is called by the
        thread that calls `run`.
    count
        How many.
    clock
        The time.
    drain
        Whether all end once each has reached what was the end of the log.

    Attributes
    ----------
    roster
        How they stand; for any thread.
    """

    def __init__(
        self, start: Callable[[int, bool], Running], count: int, clock: Clock | None = None, drain: bool = False
    ) -> None:
        self._start, self._clock, self._drain = start, clock or Clock(), drain
        self._is_stopping = self._is_told = self._has_told_idle = False
        self._code = 0
        self._changed: Settings | None = None
        self._balanced = self._clock.now()
        self.roster = Roster(tuple(map(Place, range(count))), {RESTARTS: Fraction()}, is_stopping=False)

    def stop(self) -> None:
        """End all; also from a signal's handler, so it only notes that."""
        self._is_stopping = True

    def change(self, settings: Settings) -> None:
        """Tell all that run of settings that were read again; also from a signal's handler, so it only notes that."""
        self._changed = settings

    def run(self) -> int:
        """Keep them running until they are to end.

        Returns
        -------
        int
            The worst exit code of those that ended when they were to.
        """
        while True:
            self._tell_stop()
            self._tell_change()
            for place in self.roster.places:
                self._look(place)
            if self._is_stopping and all(place.process is None for place in self.roster.places):
                return self._code
            if self._drain and not self._is_stopping and all(map(_is_drained, self.roster.places)):
                logger.info("all is done that was in the log at the start")
                self._is_stopping = True
            self._tell_idle()
            self._clock.pause(TICK)

    def _tell_stop(self) -> None:
        if not self._is_stopping or self._is_told:
            return
        self._is_told = True
        self.roster = self.roster._replace(is_stopping=True)
        for place in self.roster.places:
            if place.process is not None:
                place.process.stop()

    def _tell_change(self) -> None:
        settings, self._changed = self._changed, None
        for place in self.roster.places:
            if settings is not None and place.process is not None:
                place.process.change(settings)

    def _look(self, place: Place) -> None:
        process, now = place.process, self._clock.now()
        if process is None:
            if now >= place.due and not self._is_stopping:
                self._put(self._filled(place))
        elif process.code is not None:
            self._bury(place, process, process.code)
        elif place.failures and process.up_at is not None and now - process.up_at >= STEADY:
            self._put(place._replace(failures=0))

    def _filled(self, place: Place) -> Place:
        """The place with a process; without one, where this machine has no room for it at the moment."""
        try:
            return place._replace(process=self._start(place.number, place.replaces))
        except OSError as error:
            return self._put_off(place, f"cannot be started ({error})")

    def _put(self, place: Place, kept: Sums | None = None) -> None:
        """Both at once: no reader counts a process twice, or not at all."""
        places = (*self.roster.places[: place.number], place, *self.roster.places[place.number + 1 :])
        self.roster = self.roster._replace(places=places, kept=self.roster.kept if kept is None else kept)

    def _bury(self, place: Place, process: Running, code: int) -> None:
        """Keep what a process has counted, and settle what comes after it."""
        pages: list[Page | Sums] = [self.roster.kept]
        if process.seen:
            pages.append(counted(read(process.seen.metrics)))
        if self._is_stopping:
            self._note_end(place, process, code)
            self._put(place._replace(process=None), added(pages))
        elif code == USAGE or (process.ended is not None and process.ended.code):
            self._note_failure(place, process, code)
            self._put(place._replace(process=None), added(pages))
        else:
            self._put(self._restarted(place, process, code), added([*pages, {RESTARTS: 1.0}]))

    def _note_end(self, place: Place, process: Running, code: int) -> None:
        if process.ended is not None:
            code = process.ended.code
        elif code == -signal.SIGTERM and process.up_at is None:  # it had not begun
            return
        if code < 0:
            logger.error("worker %d (process %d) %s while it was stopping", place.number, process.pid, _how(code))
        self._code = max(self._code, FAILURE if code < 0 else code)

    def _note_failure(self, place: Place, process: Running, code: int) -> None:
        message = process.ended.message if process.ended is not None else ""
        logger.error("worker %d cannot work: %s", place.number, message or "see above; all workers end")
        self._code = max(self._code, code)
        self._is_stopping = True

    def _restarted(self, place: Place, process: Running, code: int) -> Place:
        """The place of a process that ended unasked, to be filled again."""
        is_steady = process.up_at is not None and self._clock.now() - process.up_at >= STEADY
        failures = 0 if is_steady else place.failures
        may_be_member = process.up_at is not None and process.ended is None
        place = place._replace(failures=failures, restarts=place.restarts + 1, replaces=may_be_member)
        return self._put_off(place, _how(code), f" (process {process.pid})")

    def _put_off(self, place: Place, how: str, who: str = "") -> Place:
        """The place, to be filled later."""
        failures = place.failures + 1
        wait = min(2.0 ** (failures - 1), LONGEST_WAIT)
        row = f", for the {failures}. time in a row" if failures > 1 else ""
        logger.warning("worker %d%s %s%s; it is started again in %g s", place.number, who, how, row, wait)
        return place._replace(process=None, failures=failures, due=self._clock.now() + wait, why=how)

    def _tell_idle(self) -> None:
        """Say once that workers have nothing to do, when that has lasted."""
        seen = [place.process.seen if place.process is not None else None for place in self.roster.places]
        told = [one.status for one in seen if one is not None and one.status is not None]
        idle = [one for one in told if not one.partitions]
        all_ready = len(told) == len(seen) and all(one.state == "ready" for one in told)
        if not (idle and all_ready):
            self._balanced = self._clock.now()
        elif not self._has_told_idle and self._clock.now() - self._balanced >= SETTLED:
            self._has_told_idle = True
            logger.warning(
                "%d of %d workers have no partition, as the group has more workers than the input has partitions:"
                " start %d (--workers, kafka.workers), or add partitions (kafka-topics.sh --alter --partitions)",
                len(idle),
                len(told),
                max(len(told) - len(idle), 1),
            )


def _is_drained(place: Place) -> bool:
    seen = place.process.seen if place.process is not None and place.process.code is None else None
    return seen is not None and seen.status is not None and seen.status.drained


def _how(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"ended with code {code}" if code else "ended, though it was not to"
    name = signal.Signals(-code).name
    hint = " (by the kernel where memory ran out: see dmesg)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"

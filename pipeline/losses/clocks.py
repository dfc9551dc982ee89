"""Clocks that were ahead: a series that started again after a jump, and whose events then lie before that jump."""

from typing import NamedTuple

from pipeline.fates import Fate
from pipeline.losses.ledger import CHECK, WINDOW, Ledger, Lines, at
from pipeline.settings import Events

BACK = 5
"""Late observations in a row of a series that had started again ahead of them, not more than `WINDOW` good ones ago,
until its clock is held to be wrong."""
MOST_JUMPS = 1000
"""Series that started again of late, of which that is looked for."""
CLOCK_AHEAD = "clock_ahead"


class _Jump(NamedTuple):
    """Where a series started again, and how many good ones came since, then late ones in a row."""

    offset: int
    detail: str
    good: int = 0
    late: int = 0


class Clocks:
    """The series that started again of late, the newest last."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._jumps: dict[str, _Jump] = {}

    def good(self, fate: Fate) -> Lines:
        """Remember a series that starts again; one that goes on has the time that its clock tells."""
        jump = self._jumps.get(fate.series) if self._jumps else None
        if jump is not None and (jump.late or jump.good == WINDOW):
            del self._jumps[fate.series]
        elif jump is not None:
            self._jumps[fate.series] = jump._replace(good=jump.good + 1)
        if fate.restarted:
            self._jumps.pop(fate.series, None)
            self._jumps[fate.series] = _Jump(fate.offset, fate.detail)
            if len(self._jumps) > MOST_JUMPS:
                del self._jumps[next(iter(self._jumps))]
        if CLOCK_AHEAD in self._ledger and not any(one.late >= BACK for one in self._jumps.values()):
            yield from self._ledger.is_well(CLOCK_AHEAD, "no series waits for its clock now")

    def late(self, fate: Fate) -> Lines:
        """Whether a series that started again is behind that time again: what led it there was wrong."""
        jump = self._jumps.get(fate.series)
        if jump is None:
            return
        self._jumps[fate.series] = jump = jump._replace(late=jump.late + 1)
        if jump.late == BACK:
            yield from self._ledger.tell(
                CLOCK_AHEAD,
                f"offset {jump.offset}: {jump.detail} began anew after a jump ahead, and now its events are of before"
                f" that, {at(fate)}: they are left out as late until they have caught up, or until"
                f" {self._events.restart_after} in a row (events.restart_after) start it again. If its clock was wrong,"
                f" correct it, and lower events.restart_after to lose fewer; {CHECK}",
            )

    def are_awaited_by(self, series: str) -> bool:
        """Whether a series is known to be late as its clock was ahead."""
        jump = self._jumps.get(series) if self._jumps else None
        return jump is not None and jump.late >= BACK

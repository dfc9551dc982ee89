"""Event time: which step of its series an observation is.

Letters: S series, N rows of a round.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.hyperparameters import Hyperparameters

SECOND = 1_000_000
"""Microseconds."""
DAY = 86_400
"""Seconds."""
FIRST_GAPS = 8
"""A step is inferred from so many gaps."""
USUAL_STEPS = (
    *(1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600),
    *(7200, 10800, 14400, 21600, 28800, 43200, DAY, 7 * DAY),
)
"""Seconds; an inferred step this near to one of them (within 5 %) is taken for it."""


class Outcome(IntEnum):
    """What became of an observation."""

    FORECAST = 0
    """It is the next step of its series and has a forecast."""
    LATE = 1
    """Its time lies before the last one's; nothing changed."""
    REPEATED = 2
    """Its time is the last one's, or falls into the same slot; nothing changed."""
    UNKNOWN = 3
    """A missing value of a series that never had one: nothing can be said, and nothing changed."""


class Placement(NamedTuple):
    """Where the observations of a round lie."""

    outcome: npt.NDArray[np.uint8]  # (N,)
    missing: npt.NDArray[np.int64]  # (N,) steps that are missing before it
    restart: npt.NDArray[np.bool_]  # (N,) the series starts, or starts again, with it
    step: npt.NDArray[np.int64]  # (N,) of the series, microseconds; 0: not known yet


@dataclass
class Grid(Columns):
    """The slots of each series, a step apart.

    A stamp belongs to the slot nearest to it, counted from the stamp before, so that a producer whose clock is a
    little off never drifts off the grid. Series whose stamps keep no step have no grid: one event is one step.
    """

    events: npt.NDArray[np.int64]  # (S,)
    last: npt.NDArray[np.int64]  # (S,) microseconds
    step: npt.NDArray[np.int64]  # (S,) microseconds; 0: not known yet
    gridded: npt.NDArray[np.bool_]  # (S,)
    gaps: npt.NDArray[np.int64]  # (S, 8) microseconds
    gap_count: npt.NDArray[np.int64]  # (S,)
    late_run: npt.NDArray[np.int64]  # (S,)

    @classmethod
    def empty(cls) -> "Grid":
        """The grid of no series."""
        whole = np.zeros(0, np.int64)
        return cls(whole, whole, whole, np.zeros(0, np.bool_), np.zeros((0, FIRST_GAPS), np.int64), whole, whole)

    def place(
        self, rows: Rows, times: npt.NDArray[np.int64], null: npt.NDArray[np.bool_], rules: Hyperparameters
    ) -> Placement:
        """Place one observation of each of these series, and remember it where it is the newest."""
        gap = times - self.last[rows]
        known = self.events[rows] > 0
        slots = np.where(self.gridded[rows], _slots(gap, self.step[rows]), np.sign(gap))
        too_early = known & (gap < 0)
        tired = self._tired_of_late(rows, too_early, rules.restart_after)
        late = too_early & ~tired
        repeated = known & ~too_early & (slots < 1)
        restart = ~known | tired | (slots - 1 > rules.max_gap)
        unknown = ~late & ~repeated & restart & null
        self.events[rows[unknown]] = 0
        taken = ~late & ~repeated & ~unknown
        self._remember(rows[taken], times[taken], np.where(restart, 0, gap)[taken], rules)
        outcome = np.select(
            [late, repeated, unknown], [Outcome.LATE, Outcome.REPEATED, Outcome.UNKNOWN], Outcome.FORECAST
        )
        missing = np.where(taken & ~restart, slots - 1, 0)
        return Placement(outcome.astype(np.uint8), missing, restart & taken, self.step[rows])

    def _tired_of_late(self, rows: Rows, late: npt.NDArray[np.bool_], limit: int) -> npt.NDArray[np.bool_]:
        """Which of these are the last of so many late ones in a row that the series had better start again."""
        run = np.where(late, self.late_run[rows] + 1, 0)
        self.late_run[rows] = run % limit
        return run >= limit

    def _remember(
        self, rows: Rows, times: npt.NDArray[np.int64], gap: npt.NDArray[np.int64], rules: Hyperparameters
    ) -> None:
        self.last[rows] = times
        self.events[rows] += 1
        young = (self.step[rows] == 0) & (gap > 0)
        for row, width in zip(rows[young].tolist(), gap[young].tolist(), strict=True):
            self._learn_step(row, width, rules)

    def _learn_step(self, row: int, gap: int, rules: Hyperparameters) -> None:
        count = int(self.gap_count[row])
        self.gaps[row, count] = gap
        self.gap_count[row] = count + 1
        if count + 1 == FIRST_GAPS:
            self.step[row] = inferred_step(self.gaps[row])
            self.gridded[row] = rules.step == "infer" and _keeps_step(self.gaps[row], int(self.step[row]))

    def start(self, rows: Rows, rules: Hyperparameters) -> None:
        """Give new series the step that the settings fix."""
        if not isinstance(rules.step, str):
            self.step[rows] = round(rules.step * SECOND)
            self.gridded[rows] = True


def _slots(gap: npt.NDArray[np.int64], step: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Gaps in steps, to the nearest."""
    return (2 * gap + step) // np.maximum(2 * step, 1)


def inferred_step(gaps: npt.NDArray[np.int64]) -> int:
    """The median gap in microseconds, or the usual step next to it."""
    median = int(np.median(gaps))
    nearest = min(USUAL_STEPS, key=lambda step: abs(step * SECOND - median)) * SECOND
    return nearest if abs(nearest - median) <= 0.05 * nearest else max(median, 1)


def _keeps_step(gaps: npt.NDArray[np.int64], step: int) -> bool:
    """Whether all gaps but two are near a whole number of steps."""
    slots = np.maximum(np.rint(gaps / step), 1.0)
    return bool(np.sum(np.abs(gaps / step - slots) > 0.25) <= 2)


def seasons(step: float) -> tuple[int, int]:
    """The two seasons of a series in steps, by its step in seconds; 0 for none.

    Day and week below a day; week and year of daily values; the year of weeks, months and quarters.

    >>> seasons(3600), seasons(86400), seasons(30.4 * 86400), seasons(0)
    ((24, 168), (7, 365), (12, 0), (0, 0))
    """
    days = step / DAY
    if 0 < days <= 0.5:
        return round(1 / days), round(7 / days)
    if days <= 3.5:
        return (round(7 / days), round(365 / days)) if days > 0.5 else (0, 0)
    return (round(365.25 / days), 0) if days <= 100 else (0, 0)

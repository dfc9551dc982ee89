"""Event time: which step of its series an observation is.

Letters: S series, N rows of a round.
"""

from collections.abc import Sequence
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
FAR = 2**62
"""Microseconds; beyond any gap."""
FORGOTTEN = 4
"""Over so many times its length a wide gap is forgotten."""
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
    JUMP = 4
    """Its time lies further ahead of the last one's than `max_gap` steps: it is held to be wrong until the next one
    agrees with it, and nothing else changed."""


class Placement(NamedTuple):
    """Where the observations of a round lie."""

    outcome: npt.NDArray[np.uint8]  # (N,)
    missing: npt.NDArray[np.int64]  # (N,) steps that are missing before it
    restart: npt.NDArray[np.bool_]  # (N,) the series starts, or starts again, with it
    step: npt.NDArray[np.int64]  # (N,) of the series, microseconds; 0: not known yet
    last: npt.NDArray[np.int64]  # (N,) time of the last observation before it, microseconds

    @staticmethod
    def joined(parts: "Sequence[Placement]") -> "Placement":
        """Of several rounds, one after the other."""
        return Placement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass
class Grid(Columns):
    """The slots of each series, a step apart.

    A stamp belongs to the slot nearest to it, counted from the stamp before, so that a producer whose clock is a
    little off never drifts off the grid. Series whose stamps keep no step have no grid: one event is one step.

    A stamp that lies more than `max_gap` missing steps ahead is a jump, and is held to be wrong: a clock that was wrong
    once costs one observation, while believing it costs all that come at the right time after it. The next observation
    agrees with it if it lies after the held stamp by no more than `max_gap` missing steps, or by no more than the held
    one lies after the last (a series may have become slow). Then the series starts again there. One that lies before
    the held stamp, or is the same again, does not agree: if it is a jump too it is held in its place, and if it is the
    series' next one, the held stamp is forgotten. Late and repeated ones tell nothing of it.

    A gap up to twice the widest that was believed before is no jump: of a device that is off every night, or once a
    week, the first night is held to be wrong. A wide gap is forgotten over four times its length.

    Where there is no grid, or the step is not known yet, the usual gap stands for the step: the median of the first
    ones. So days without an alarm are no jump for a series of alarms, and a month is none for a monthly one. A series'
    second observation is never a jump.
    """

    events: npt.NDArray[np.int64]  # (S,)
    last: npt.NDArray[np.int64]  # (S,) microseconds
    step: npt.NDArray[np.int64]  # (S,) microseconds; 0: not known yet
    gridded: npt.NDArray[np.bool_]  # (S,)
    gaps: npt.NDArray[np.int64]  # (S, 8) microseconds
    gap_count: npt.NDArray[np.int64]  # (S,)
    late_run: npt.NDArray[np.int64]  # (S,)
    held: npt.NDArray[np.int64]  # (S,) microseconds; a stamp that is held to be wrong
    holding: npt.NDArray[np.bool_]  # (S,) whether there is one
    widest: npt.NDArray[np.int64]  # (S,) microseconds; the widest gap of late that was believed

    @classmethod
    def empty(cls) -> "Grid":
        """The grid of no series."""
        whole, flag = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        return cls(
            events=whole,
            last=whole,
            step=whole,
            gridded=flag,
            gaps=np.zeros((0, FIRST_GAPS), np.int64),
            gap_count=whole,
            late_run=whole,
            held=whole,
            holding=flag,
            widest=whole,
        )

    def place(
        self, rows: Rows, times: npt.NDArray[np.int64], null: npt.NDArray[np.bool_], rules: Hyperparameters
    ) -> Placement:
        """Place one observation of each of these series, and remember it where it is the newest."""
        last = self.last[rows]
        gap = times - last
        known = self.events[rows] > 0
        slots = np.where(self.gridded[rows], _slots(gap, self.step[rows]), np.sign(gap))
        too_early = known & (gap < 0)
        repeated = known & ~too_early & (slots < 1)
        jump = known & ~too_early & ~repeated & self._jumps(rows, times, slots, rules.max_gap)
        tired = self._tired_of_late(rows, too_early, jump, rules.restart_after)
        late = too_early & ~tired
        restart = ~known | tired | (slots - 1 > rules.max_gap)
        unknown = ~late & ~repeated & ~jump & restart & null
        self.events[rows[unknown]] = 0
        taken = ~late & ~repeated & ~jump & ~unknown
        self.holding[rows] = (self.holding[rows] | jump) & ~taken & ~unknown
        self._measure_gaps(rows[taken], np.where(known, gap, 0)[taken])
        self._remember(rows[taken], times[taken], np.where(restart, 0, gap)[taken], rules)
        outcome = np.select(
            [late, repeated, jump, unknown],
            [Outcome.LATE, Outcome.REPEATED, Outcome.JUMP, Outcome.UNKNOWN],
            Outcome.FORECAST,
        )
        missing = np.where(taken & ~restart, slots - 1, 0)
        return Placement(outcome.astype(np.uint8), missing, restart & taken, self.step[rows], last)

    def _jumps(
        self, rows: Rows, times: npt.NDArray[np.int64], slots: npt.NDArray[np.int64], max_gap: int
    ) -> npt.NDArray[np.bool_]:
        """Which of these next observations lie too far ahead to be believed; the newest of a series is then held."""
        gap, gridded = times - self.last[rows], self.gridded[rows]
        usual = self._usual_gap(rows)
        limit = (max_gap + 1.0) * usual
        beyond = np.where(gridded, slots - 1 > max_gap, (usual > 0) & (gap > limit))
        far = beyond & (gap > 2 * self.widest[rows])
        if not far.any():
            return far
        since, held_at = times - self.held[rows], self.held[rows] - self.last[rows]
        after = np.where(gridded, _slots(since, self.step[rows]), np.sign(since)) >= 1
        agrees = self.holding[rows] & after & (since <= np.maximum(limit, held_at))
        jump: npt.NDArray[np.bool_] = far & ~agrees
        self.held[rows[jump]] = times[jump]
        return jump

    def _usual_gap(self, rows: Rows) -> npt.NDArray[np.int64]:
        """The step of each of these series (N,), or until it is known the median of its gaps so far; 0: it had none."""
        usual, count = self.step[rows], self.gap_count[rows]
        young = (usual == 0) & (count > 0)
        if young.any():
            there = np.arange(FIRST_GAPS) < count[young, None]
            ordered = np.sort(np.where(there, self.gaps[rows[young]], FAR), 1)
            usual[young] = ordered[np.arange(len(ordered)), count[young] // 2]
        return usual

    def _measure_gaps(self, rows: Rows, gap: npt.NDArray[np.int64]) -> None:
        """Remember the widest gaps before these observations; where time went back, those before it tell nothing."""
        widest = np.maximum(gap, self.widest[rows] - gap // FORGOTTEN)
        self.widest[rows] = np.where(gap < 0, 0, widest)

    def _tired_of_late(
        self, rows: Rows, late: npt.NDArray[np.bool_], jump: npt.NDArray[np.bool_], limit: int
    ) -> npt.NDArray[np.bool_]:
        """Which of these are the last of so many late ones in a row that the series had better start again."""
        run = np.where(late, self.late_run[rows] + 1, np.where(jump, self.late_run[rows], 0))
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

    def begin(
        self, rows: Rows, times: npt.NDArray[np.int64], null: npt.NDArray[np.bool_], rules: Hyperparameters
    ) -> Placement:
        """Let these series begin with one observation each, whatever was before."""
        last = self.last[rows]
        self.clear(rows)
        self.start(rows, rules)
        self.last[rows], self.events[rows] = times, ~null
        outcome = np.where(null, Outcome.UNKNOWN, Outcome.FORECAST).astype(np.uint8)
        return Placement(outcome, np.zeros(len(rows), np.int64), ~null, self.step[rows], last)

    def start(self, rows: Rows, rules: Hyperparameters) -> None:
        """Give new series the step that the settings fix."""
        if not isinstance(rules.step, str):
            self.step[rows] = max(round(rules.step * SECOND), 1)
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

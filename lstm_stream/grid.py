"""Event time: which step of its series an observation is.

Letters: S series.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Flag, Flags, Whole, Wholes
from lstm_stream.compiled import compiled, entry
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.seasons import DAY, SECOND

FIRST_GAPS = 8
"""A step is inferred from so many gaps."""
FORGOTTEN = 4
"""Over so many times its length a wide gap is forgotten."""
USUAL_STEPS = (
    *(1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600),
    *(7200, 10800, 14400, 21600, 28800, 43200, DAY, 7 * DAY),
)
"""Seconds; an inferred step this near to one of them (within 5 %) is taken for it."""

Codes = npt.NDArray[np.uint8]


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


FORECAST, LATE, REPEATED, UNKNOWN, JUMP = (int(outcome) for outcome in Outcome)


class Rhythm(NamedTuple):
    """What the settings say of steps."""

    infer: bool  # whether series whose stamps keep a step have a grid
    step: int  # microseconds, for all series; 0: not fixed
    max_gap: int  # missing steps that are filled; past them a time is a jump
    restart_after: int  # late observations in a row after which a series starts again

    @classmethod
    def of(cls, rules: Hyperparameters) -> "Rhythm":
        """Of a bank."""
        fixed = 0 if isinstance(rules.step, str) else max(round(rules.step * SECOND), 1)
        return cls(rules.step == "infer", fixed, rules.max_gap, rules.restart_after)


class Placement(NamedTuple):
    """Where an observation lies."""

    outcome: int
    missing: int  # steps that are missing before it
    restart: bool  # the series starts, or starts again, with it


class Grid(NamedTuple):
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

    events: Wholes  # (S,)
    last: Wholes  # (S,) microseconds
    step: Wholes  # (S,) microseconds; 0: not known yet
    gridded: Flags  # (S,)
    gaps: Wholes  # (S, 8) microseconds
    gap_count: Wholes  # (S,)
    late_run: Wholes  # (S,)
    held: Wholes  # (S,) microseconds; a stamp that is held to be wrong
    holding: Flags  # (S,) whether there is one
    widest: Wholes  # (S,) microseconds; the widest gap of late that was believed

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


@compiled
def place(grid: Grid, rhythm: Rhythm, i: int, time: int, null: bool) -> Placement:
    """Place an observation, and remember it where it is the newest."""
    if grid.events[i] == 0:
        return _begin(grid, rhythm, i, time, null, 0)
    gap = time - grid.last[i]
    if gap < 0:
        grid.late_run[i] += 1
        if grid.late_run[i] < rhythm.restart_after:
            return Placement(LATE, 0, False)
        return _begin(grid, rhythm, i, time, null, gap)
    slots = _slots(gap, grid.step[i]) if grid.gridded[i] else min(gap, 1)
    if slots < 1:
        grid.late_run[i] = 0
        return Placement(REPEATED, 0, False)
    if _jumps(grid, rhythm, i, time, slots):
        grid.held[i], grid.holding[i] = time, True
        return Placement(JUMP, 0, False)
    if slots - 1 > rhythm.max_gap:
        return _begin(grid, rhythm, i, time, null, gap)
    _remember(grid, rhythm, i, time, gap, gap)
    return Placement(FORECAST, slots - 1, False)


@entry
def place_all(
    grid: Grid, rhythm: Rhythm, rows: Wholes, times: Wholes, null: Flags, outcome: Codes, restart: Flags
) -> None:
    """Place observations (N,) in the order of the log, and write their outcomes and whether a series starts."""
    for n in range(len(rows)):
        placed = place(grid, rhythm, rows[n], times[n], null[n])
        outcome[n], restart[n] = placed.outcome, placed.restart


@compiled
def _jumps(grid: Grid, rhythm: Rhythm, i: int, time: int, slots: int) -> Flag:
    """Whether the next observation lies too far ahead to be believed."""
    gap, usual = time - grid.last[i], _usual_gap(grid, i)
    limit = (rhythm.max_gap + 1.0) * usual
    beyond = slots - 1 > rhythm.max_gap if grid.gridded[i] else usual > 0 and gap > limit
    if not beyond or gap <= 2 * grid.widest[i]:
        return False
    since = time - grid.held[i]
    after = _slots(since, grid.step[i]) >= 1 if grid.gridded[i] else since >= 1
    return not (grid.holding[i] and after and since <= max(limit, float(grid.held[i] - grid.last[i])))


@compiled
def _usual_gap(grid: Grid, i: int) -> Whole:
    """The step, or until it is known the median of the gaps so far; 0: there were none."""
    count = grid.gap_count[i]
    if grid.step[i] > 0 or count == 0:
        return grid.step[i]
    return np.sort(grid.gaps[i, :count])[count // 2]


@compiled
def _begin(grid: Grid, rhythm: Rhythm, i: int, time: int, null: bool, gap: int) -> Placement:
    """Let a series start, or start again, unless the value is missing."""
    if null:
        grid.events[i], grid.late_run[i], grid.holding[i] = 0, 0, False
        return Placement(UNKNOWN, 0, False)
    _remember(grid, rhythm, i, time, 0, gap)
    return Placement(FORECAST, 0, True)


@compiled
def _remember(grid: Grid, rhythm: Rhythm, i: int, time: int, gap: int, since: int) -> None:
    """Take an observation as the newest.

    Parameters
    ----------
    gap
        That tells of the step; 0: none does.
    since
        How long it is since the one before; where time went back, gaps before it tell nothing.
    """
    grid.last[i], grid.late_run[i], grid.holding[i] = time, 0, False
    grid.events[i] += 1
    grid.widest[i] = max(since, grid.widest[i] - since // FORGOTTEN) if since >= 0 else 0
    if rhythm.step > 0:
        grid.step[i], grid.gridded[i] = rhythm.step, True
    elif grid.step[i] == 0 and gap > 0:
        _learn_step(grid, rhythm, i, gap)


@compiled
def _learn_step(grid: Grid, rhythm: Rhythm, i: int, gap: int) -> None:
    grid.gaps[i, grid.gap_count[i]] = gap
    grid.gap_count[i] += 1
    if grid.gap_count[i] == FIRST_GAPS:
        step = inferred_step(grid.gaps[i])
        grid.step[i], grid.gridded[i] = step, rhythm.infer and _keeps_step(grid.gaps[i], step)


@compiled
def _slots(gap: int, step: int) -> Whole:
    """A gap in steps, to the nearest."""
    return (2 * gap + step) // max(2 * step, 1)


@compiled
def inferred_step(gaps: Wholes) -> Whole:
    """The median gap in microseconds, or the usual step next to it."""
    ordered = np.sort(gaps)
    median = (ordered[(len(gaps) - 1) // 2] + ordered[len(gaps) // 2]) // 2
    nearest = USUAL_STEPS[0] * SECOND
    for usual in USUAL_STEPS:
        if abs(usual * SECOND - median) < abs(nearest - median):
            nearest = usual * SECOND
    return nearest if abs(nearest - median) <= 0.05 * nearest else max(median, 1)


@compiled
def _keeps_step(gaps: Wholes, step: int) -> Flag:
    """Whether all gaps but two are near a whole number of steps."""
    astray = 0
    for gap in gaps:
        slots = max(np.rint(gap / step), 1.0)
        astray += abs(gap / step - slots) > 0.25
    return astray <= 2

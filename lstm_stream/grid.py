"""Event time: which step of its series an observation is.

Letters: S series.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Flags, Wholes
from lstm_stream.compiled import compiled
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.seasons import DAY, SECOND

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


FORECAST, LATE, REPEATED, UNKNOWN = (int(outcome) for outcome in Outcome)


class Rhythm(NamedTuple):
    """What the settings say of steps."""

    infer: bool  # whether series whose stamps keep a step have a grid
    step: int  # microseconds, for all series; 0: not fixed
    max_gap: int  # missing steps that are filled; past them a series starts again
    restart_after: int  # late observations in a row after which a series starts again

    @classmethod
    def of(cls, rules: Hyperparameters) -> "Rhythm":
        """Of a bank."""
        fixed = 0 if isinstance(rules.step, str) else round(rules.step * SECOND)
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
    """

    events: Wholes  # (S,)
    last: Wholes  # (S,) microseconds
    step: Wholes  # (S,) microseconds; 0: not known yet
    gridded: Flags  # (S,)
    gaps: Wholes  # (S, 8) microseconds
    gap_count: Wholes  # (S,)
    late_run: Wholes  # (S,)

    @classmethod
    def empty(cls) -> "Grid":
        """The grid of no series."""
        whole = np.zeros(0, np.int64)
        return cls(whole, whole, whole, np.zeros(0, np.bool_), np.zeros((0, FIRST_GAPS), np.int64), whole, whole)


@compiled
def place(grid: Grid, rhythm: Rhythm, i: int, time: int, null: bool) -> Placement:
    """Place an observation, and remember it where it is the newest."""
    if grid.events[i] == 0:
        return _begin(grid, rhythm, i, time, null)
    gap = time - grid.last[i]
    if gap < 0:
        grid.late_run[i] += 1
        if grid.late_run[i] < rhythm.restart_after:
            return Placement(LATE, 0, False)
        grid.late_run[i] = 0
        return _begin(grid, rhythm, i, time, null)
    grid.late_run[i] = 0
    slots = _slots(gap, grid.step[i]) if grid.gridded[i] else min(gap, 1)
    if slots < 1:
        return Placement(REPEATED, 0, False)
    if slots - 1 > rhythm.max_gap:
        return _begin(grid, rhythm, i, time, null)
    _remember(grid, rhythm, i, time, gap)
    return Placement(FORECAST, slots - 1, False)


@compiled
def _begin(grid: Grid, rhythm: Rhythm, i: int, time: int, null: bool) -> Placement:
    """Let a series start, or start again, unless the value is missing."""
    if null:
        grid.events[i] = 0
        return Placement(UNKNOWN, 0, False)
    _remember(grid, rhythm, i, time, 0)
    return Placement(FORECAST, 0, True)


@compiled
def _remember(grid: Grid, rhythm: Rhythm, i: int, time: int, gap: int) -> None:
    grid.last[i] = time
    grid.events[i] += 1
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
def _slots(gap: int, step: int) -> int:
    """A gap in steps, to the nearest."""
    return (2 * gap + step) // max(2 * step, 1)


@compiled
def inferred_step(gaps: Wholes) -> int:
    """The median gap in microseconds, or the usual step next to it."""
    ordered = np.sort(gaps)
    median = (ordered[(len(gaps) - 1) // 2] + ordered[len(gaps) // 2]) // 2
    nearest = USUAL_STEPS[0] * SECOND
    for usual in USUAL_STEPS:
        if abs(usual * SECOND - median) < abs(nearest - median):
            nearest = usual * SECOND
    return nearest if abs(nearest - median) <= 0.05 * nearest else max(median, 1)


@compiled
def _keeps_step(gaps: Wholes, step: int) -> bool:
    """Whether all gaps but two are near a whole number of steps."""
    astray = 0
    for gap in gaps:
        slots = max(np.rint(gap / step), 1.0)
        astray += abs(gap / step - slots) > 0.25
    return astray <= 2

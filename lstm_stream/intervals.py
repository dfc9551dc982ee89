"""Intervals: the quantiles of each series' own errors, by quantile tracking.

Letters: S series, H horizons, L quantile levels, G groups of horizons, O origins kept of a series, K tracked levels and
J gaps of one side (`quantiles`).
"""

import math

import numpy as np

from lstm_stream.anomaly import LARGEST_SIZE, Errors, restlessness
from lstm_stream.arithmetic import (
    MOST_HALF,
    Doubles,
    Floats,
    Real,
    bounded,
    fill,
    narrowed,
    ratio,
    widened,
)
from lstm_stream.compiled import compiled
from lstm_stream.error_sizes import (
    LARGEST_LOG,
    SMALLEST_SIZE,
    compare_uncertainty,
    grown_by,
    growth_of,
    learn_powers,
    learn_sizes,
    size_of,
    small_sample_factor,
    stretch_of,
)
from lstm_stream.interval_state import Intervals, Layout, Workspace
from lstm_stream.quantiles import (
    LEVELS,
    add_pull,
    centre_step,
    move_gaps,
    quantile_at,
    write_tracked,
)

LARGEST_ERROR = 50.0
"""In spreads: what is further out counts as this."""
SETTLED = 400
"""Errors until quantiles move at the full rate: before, errors change with the network, and the size tells enough."""


@compiled
def measure_errors(
    intervals: Intervals, layout: Layout, i: int, t: int, moved: Floats, unit: Floats, work: Workspace
) -> None:
    """Write how far the value of step t lies off its forecasts, and how they were stretched.

    Parameters
    ----------
    moved, unit : (H,)
        How far the value lies from where it was so many steps before, in spreads of then; NaN: not known. These
        spreads, in the ring's unit.
    """
    horizon = len(moved)
    for h in range(horizon):
        kept = layout.place[h] + t % (h + 1)
        work.there[h] = not math.isnan(moved[h])
        error = moved[h] - widened(intervals.moves[i, kept]) if work.there[h] else np.float32(0.0)
        work.error[h] = bounded(error, np.float32(LARGEST_ERROR)) * unit[h]
        restless = widened(intervals.restless[i, (t - h - 1) % horizon])
        work.stretch[h] = stretch_of(intervals, layout, i, h, restless, intervals.uncertainty[i, kept])


@compiled
def mean_error(work: Workspace) -> Real:
    """The mean absolute error of the forecasts of the newest value that are known, in the ring's unit."""
    total, count = 0.0, 0
    for h in range(len(work.error)):
        if work.there[h]:
            total += abs(work.error[h])
            count += 1
    return total / max(count, 1)


@compiled
def learn_errors(intervals: Intervals, layout: Layout, i: int, t: int, unit: Floats, work: Workspace) -> None:
    """Learn from the errors of step t (see `measure_errors`)."""
    learn_powers(intervals, layout, i, t, unit, work)
    learn_sizes(intervals, i, t, unit, work)
    _follow(intervals, layout, i, t, unit, work)


@compiled
def begin_errors(intervals: Intervals, i: int, t: int) -> None:
    """Learn sizes and quantiles anew from step t on."""
    intervals.anew[i] = t
    fill(intervals.centre[i], 0.0)
    for group in range(intervals.gaps.shape[1]):
        for side in range(2):
            fill(intervals.gaps[i, group, side], 0.0)


@compiled
def _follow(intervals: Intervals, layout: Layout, i: int, t: int, unit: Floats, work: Workspace) -> None:
    """Move the tracked quantiles by what errors say of those that held at their origins."""
    quantiles = work.quantiles
    for h in range(len(unit)):
        if not work.there[h]:
            continue
        group = layout.group[h]
        edge = layout.edge[group]
        shown = intervals.shown[i, layout.edge_place[group] + (t - h - 1) % edge]
        now = intervals.size[i, edge - 1]
        size = np.float64(intervals.size[i, h])
        if now > 0:
            size *= ratio(widened(shown[0]) * unit[h], now)  # sizes of a group are taken to move as one
        grown = grown_by(widened(intervals.growth[i, (t - h - 1) % len(unit)]), h)
        grown *= small_sample_factor(intervals, i, t - h - 1, h)
        published = work.stretch[h] * grown * np.float32(min(size, LARGEST_SIZE))
        for k in range(len(LEVELS)):
            quantiles[k] = published * widened(shown[1 + k])
        weight = np.float32(min((t - h - 1) / SETTLED, 1.0)) / layout.width[group]
        add_pull(work.pulls, group, work.error[h], quantiles, weight)
    for group in range(len(layout.edge)):
        edge = layout.edge[group]
        intervals.centre[i, group] += centre_step(work.pulls, group, edge)
        move_gaps(intervals.gaps[i, group], work.pulls, group, edge, max(t - edge, 0))


@compiled
def open_intervals(
    intervals: Intervals,
    errors: Errors,
    layout: Layout,
    i: int,
    t: int,
    spread: Real,
    moves: Floats,
    uncertainty: Floats,
    quantiles: Floats,
) -> None:
    """Keep a forecast made at step t, to be scored as its horizons come.

    Parameters
    ----------
    moves, uncertainty : (H,)
        How far values will move, and the `uncertainty_of` that, in the ring's unit.
    quantiles : (K,)
        What is worked on.
    """
    horizon = len(moves)
    first = size_of(intervals, i, 0, spread)
    restless = narrowed(restlessness(errors, i, first, SMALLEST_SIZE * spread, LARGEST_LOG))
    intervals.restless[i, t % horizon] = restless
    growth = narrowed(growth_of(intervals, i))
    intervals.growth[i, t % horizon] = growth
    for h in range(horizon):
        kept = layout.place[h] + t % (h + 1)
        intervals.newest[i, h] = moves[h]
        intervals.moves[i, kept] = narrowed(bounded(ratio(moves[h], spread), np.float32(MOST_HALF)))
        compared = compare_uncertainty(intervals.usual[i], t, h, spread, uncertainty[h])
        intervals.uncertainty[i, kept] = compared
        stretch = stretch_of(intervals, layout, i, h, widened(restless), compared)
        stretch *= grown_by(widened(growth), h) * small_sample_factor(intervals, i, t, h)
        intervals.width[i, h] = narrowed(_in_bounds(ratio(stretch * size_of(intervals, i, h, spread), spread)))
    for group in range(len(layout.edge)):
        edge = layout.edge[group]
        shown = intervals.shown[i, layout.edge_place[group] + t % edge]
        shown[0] = narrowed(_in_bounds(ratio(size_of(intervals, i, edge - 1, spread), spread)))
        write_tracked(intervals.centre[i, group], intervals.gaps[i, group], quantiles)
        for k in range(len(LEVELS)):
            shown[1 + k] = narrowed(quantiles[k])


@compiled
def _in_bounds(size: Real) -> Real:
    return min(max(size, np.float32(SMALLEST_SIZE)), np.float32(MOST_HALF))


@compiled
def write_quantiles(
    intervals: Intervals, layout: Layout, i: int, spread: Real, factor: Real, tracked: Floats, quantiles: Doubles
) -> None:
    """Write the quantiles (H, L) of the error to come, in order and in the series' unit.

    Parameters
    ----------
    spread, factor
        Of the origin, and what the ring's unit is in the series' one.
    tracked : (K,)
        What is worked on.
    """
    levels = quantiles.shape[1]
    for h in range(quantiles.shape[0]):
        group = layout.group[h]
        if h == 0 or group != layout.group[h - 1]:
            write_tracked(intervals.centre[i, group], intervals.gaps[i, group], tracked)
        width = factor * (np.float64(widened(intervals.width[i, h])) * spread)
        for k in range(levels):
            quantiles[h, k] = width * np.float64(
                quantile_at(layout.between, k if factor > 0 else levels - 1 - k, tracked)
            )

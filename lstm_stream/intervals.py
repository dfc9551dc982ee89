"""Intervals: the quantiles of each series' own errors, by quantile tracking.

Letters: S series, H horizons, L quantile levels, G groups of horizons, O origins kept of a series, K tracked levels and
J gaps of one side (`quantiles`).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.anomaly import LARGEST_SIZE, Errors, restlessness
from lstm_stream.arithmetic import (
    MOST_HALF,
    Doubles,
    Flags,
    Floats,
    Halves,
    Real,
    Whole,
    Wholes,
    bounded,
    fill,
    narrowed,
    positive_ratio,
    ratio,
    widened,
)
from lstm_stream.compiled import compiled
from lstm_stream.quantiles import (
    GAPS,
    LEVELS,
    Between,
    Pulls,
    add_pull,
    centre_step,
    move_gaps,
    quantile_at,
    write_tracked,
)
from lstm_stream.readout import edges

GROUPS = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons up to each of these, from the one before on, share quantiles over sizes, and powers."""
LARGEST_ERROR = 50.0
"""In spreads: what is further out counts as this."""
SETTLED = 400
"""Errors until quantiles move at the full rate: before, errors change with the network, and the size tells enough."""
SPAN = 200
"""Memory of sizes, in errors."""
YOUNG_WEIGHT = 4.0
"""Of a young series' newest error, against each of those before: first errors are not the usual ones."""
POWERS = (0.3, 0.55)
"""Powers of restlessness and of doubt that sizes start from; all stay within 0 and 1."""
TRACKING, CATCHING_UP = 0.05, 0.25
"""Weight of an error in the tracking signal, and the most that sizes then learn from one error."""
DOUBT = 1.0
"""By how many of its sizes an interval is wider before there are errors; by half of that after one, and so on."""
TOLD = 0.45
"""Weight of what the pretrained network tells of errors, against how much the experts disagree."""
POWER_RATE = 0.01
LARGEST_LOG = 2.0
"""Of restlessness, of doubt, and of what both make of a size."""
LARGEST_EXCESS = 7.0
"""An error larger than its size by more sizes than these teaches no more than one that is."""
UNIT = 63.0
"""One in the logarithm of doubt, as a small integer."""
SMALLEST_SIZE = 1e-6
"""In spreads."""


class Layout(NamedTuple):
    """Which groups horizons are in, and where their open forecasts lie."""

    place: Wholes  # (H,) of the h that are kept of horizon h
    group: Wholes  # (H,)
    edge: Wholes  # (G,) its last horizon
    edge_place: Wholes  # (G,) of the `edge` that are kept of the group
    width: Floats  # (G,) how many horizons it has
    between: Between  # the levels asked for

    @classmethod
    def of(cls, horizon: int, levels: tuple[float, ...]) -> "Layout":
        """Of so many horizons."""
        ahead, edge = np.arange(1, horizon + 1), np.asarray(edges(GROUPS, horizon))
        return cls(
            place=np.cumsum(ahead) - ahead,
            group=np.searchsorted(edge, ahead),
            edge=edge,
            edge_place=np.cumsum(edge) - edge,
            width=np.diff(edge, prepend=0).astype(np.float32),
            between=Between.of(levels),
        )


class Intervals(NamedTuple):
    """Open forecasts of each series, and the quantiles of what became of those before.

    A quantile is a size times a quantile of errors over their size. The *size* is the mean absolute error of the
    horizon, stretched by what is known at the origin: how restless the series is (its last one-step errors), and how
    much the forecast is in doubt, over what it usually is (see `doubt`). Powers of both are learned, by the gradient of
    the likelihood of errors of that mean size. The *quantiles of errors over their
    size* are tracked, a few levels per group of horizons (`quantiles`). For that, an error is held against the
    quantiles that held at its origin: today's would know the errors of the origins since, which are much like it, and
    flatter themselves.
    """

    newest: Floats  # (S, H) mean minus the origin's value, of the newest forecast, in the ring's unit
    width: Halves  # (S, H) its stretched sizes, in the origin's spreads
    moves: Halves  # (S, H(H+1)/2) means as `newest`, in spreads; of horizon h and step t at t % h
    doubts: npt.NDArray[np.int8]  # (S, H(H+1)/2) logarithm of doubt over the usual one
    restless: Halves  # (S, H) logarithm of recent one-step errors over their size, of step t at t % H
    shown: Halves  # (S, O, 1 + K) a group's last size, in spreads, and quantiles; of step t at t % edge
    size: Floats  # (S, H) mean absolute error, not stretched, in the ring's unit
    centre: Floats  # (S, G) median of the error over its stretched size
    gaps: Floats  # (S, G, 2, J) logarithms of the gaps between its tracked quantiles, beyond the normal distribution's
    power: Floats  # (S, 2, G) powers of restlessness and of doubt, beyond `POWERS`
    usual: Floats  # (S, H) mean doubt, in the ring's unit
    anew: Wholes  # (S,) step since which sizes are learnt
    growth: Halves  # (S, H) by how much sizes grew a step, of step t at t % H
    behind: Floats  # (S, 2) late mean of how much larger one-step errors are than their sizes, and of how far off

    @classmethod
    def empty(cls, horizon: int) -> "Intervals":
        """Of no series."""
        single, half, kept = np.float32, np.uint16, horizon * (horizon + 1) // 2
        edge = edges(GROUPS, horizon)
        return cls(
            newest=np.zeros((0, horizon), single),
            width=np.zeros((0, horizon), half),
            moves=np.zeros((0, kept), half),
            doubts=np.zeros((0, kept), np.int8),
            restless=np.zeros((0, horizon), half),
            shown=np.zeros((0, sum(edge), 1 + len(LEVELS)), half),
            size=np.zeros((0, horizon), single),
            centre=np.zeros((0, len(edge)), single),
            gaps=np.zeros((0, len(edge), 2, GAPS), single),
            power=np.zeros((0, 2, len(edge)), single),
            usual=np.zeros((0, horizon), single),
            anew=np.zeros(0, np.int64),
            growth=np.zeros((0, horizon), half),
            behind=np.zeros((0, 2), single),
        )


class Workspace(NamedTuple):
    """Where an observation's errors are worked on."""

    there: Flags  # (H,) whether there was a forecast of it so many steps before
    error: Floats  # (H,) in the ring's unit
    stretch: Floats  # (H,) how many times their usual size errors are, by what was known at the origin
    powers: Floats  # (G, 2) pull of the powers
    quantiles: Floats  # (K,)
    pulls: Pulls

    @classmethod
    def of(cls, horizon: int) -> "Workspace":
        """For so many horizons."""
        single, groups = np.float32, len(edges(GROUPS, horizon))
        return cls(
            np.zeros(horizon, np.bool_),
            np.zeros(horizon, single),
            np.zeros(horizon, single),
            np.zeros((groups, 2), single),
            np.zeros(len(LEVELS), single),
            Pulls.zeros(groups),
        )


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
        work.stretch[h] = _stretch(intervals, layout, i, h, restless, intervals.doubts[i, kept])


@compiled
def _stretch(intervals: Intervals, layout: Layout, i: int, h: int, restless: Real, doubt: Whole) -> Real:
    power, group = intervals.power[i], layout.group[h]
    by_restlessness = (power[0, group] + np.float32(POWERS[0])) * restless
    by_doubt = (power[1, group] + np.float32(POWERS[1])) * (doubt * np.float32(1 / UNIT))
    return math.exp(bounded(by_restlessness + by_doubt, np.float32(LARGEST_LOG)))


@compiled
def expected_size(intervals: Intervals, i: int, unit: Real, work: Workspace) -> Real:
    """The mean absolute one-step error that was to be expected; `unit` is the spread of its origin."""
    return _size(intervals, i, 0, unit) * work.stretch[0]


@compiled
def _size(intervals: Intervals, i: int, h: int, guess: Real) -> Real:
    size = intervals.size[i, h]
    return size if size > 0 else guess


@compiled
def learn_errors(intervals: Intervals, layout: Layout, i: int, t: int, unit: Floats, work: Workspace) -> None:
    """Learn from the errors of step t (see `measure_errors`)."""
    _learn_powers(intervals, layout, i, t, unit, work)
    _learn_sizes(intervals, i, t, unit, work)
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
def _learn_powers(intervals: Intervals, layout: Layout, i: int, t: int, unit: Floats, work: Workspace) -> None:
    horizon, pull = len(unit), work.powers
    for group in range(len(pull)):
        fill(pull[group], 0.0)
    for h in range(horizon):
        if work.there[h]:
            kept = layout.place[h] + t % (h + 1)
            scaled = ratio(abs(work.error[h]) / work.stretch[h], _size(intervals, i, h, unit[h]))
            excess = min(scaled - np.float32(1.0), np.float32(LARGEST_EXCESS))
            pull[layout.group[h], 0] += excess * widened(intervals.restless[i, (t - h - 1) % horizon])
            pull[layout.group[h], 1] += excess * (intervals.doubts[i, kept] * np.float32(1 / UNIT))
    for group in range(len(pull)):
        rate = POWER_RATE / math.sqrt(layout.edge[group]) / layout.width[group]
        for k in range(len(POWERS)):
            power = intervals.power[i, k, group] + rate * pull[group, k]
            intervals.power[i, k, group] = min(max(power, -POWERS[k]), 1.0 - POWERS[k])


@compiled
def _learn_sizes(intervals: Intervals, i: int, t: int, unit: Floats, work: Workspace) -> None:
    _learn_growth(intervals, i, unit, work)
    usual = max(1.0 / SPAN, _catching_up(intervals, i))
    for h in range(len(unit)):
        if work.there[h]:
            before = _size(intervals, i, h, unit[h])
            lately = max(t - h - 1 - intervals.anew[i], 0)  # errors that the size has been learnt from
            weight = np.float32(max(YOUNG_WEIGHT / (lately + YOUNG_WEIGHT + 1.0), usual))
            size = before + weight * (abs(work.error[h]) / work.stretch[h] - before)
            intervals.size[i, h] = max(size, np.float32(SMALLEST_SIZE) * unit[h])


@compiled
def _learn_growth(intervals: Intervals, i: int, unit: Floats, work: Workspace) -> None:
    """Learn how far sizes lag behind errors."""
    behind = intervals.behind[i]
    if work.there[0]:
        scaled = ratio(abs(work.error[0]) / work.stretch[0], _size(intervals, i, 0, unit[0]))
        excess = min(scaled, np.float32(1.0 + LARGEST_EXCESS)) - np.float32(1.0)
        behind[0] += np.float32(TRACKING) * (excess - behind[0])
        behind[1] += np.float32(TRACKING) * (abs(excess) - behind[1])


@compiled
def _catching_up(intervals: Intervals, i: int) -> Real:
    """The weight of an error where errors keep growing, as of a series that grows without end; else about 0.

    By the tracking signal of Trigg and Leach 1967, "Exponential smoothing with an adaptive response rate".
    """
    behind = intervals.behind[i]
    signal = max(behind[0], np.float32(0.0)) / max(behind[1], np.float32(SMALLEST_SIZE))
    return np.float32(CATCHING_UP) * signal * signal * signal * signal


@compiled
def _growth(intervals: Intervals, i: int) -> Real:
    """By how much sizes grow a step: so they will until a forecast comes true."""
    return _catching_up(intervals, i) * max(intervals.behind[i, 0], np.float32(0.0))


@compiled
def _grown(growth: Real, h: int) -> Real:
    return math.exp(bounded(growth * np.float32(h + 1), np.float32(LARGEST_LOG)))


@compiled
def _doubted(intervals: Intervals, i: int, t: int, h: int) -> Real:
    """How many times as wide as told by its size an interval is at step t, as few errors tell little of the next."""
    errors = max(t - h - intervals.anew[i], 0)
    return np.float32(1.0) + np.float32(DOUBT) / np.float32(errors + 1)


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
        grown = _grown(widened(intervals.growth[i, (t - h - 1) % len(unit)]), h)
        grown *= _doubted(intervals, i, t - h - 1, h)
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
def doubt(disagreement: Real, told: Real) -> Real:
    """How unsure a forecast is: a geometric mean of how much its experts disagree, and how far off it is told to be.

    The first is the standard deviation of what they say (Lahiri and Sheng 2010, "Measuring forecast uncertainty by
    disagreement"), the second comes from the pretrained network; 0: it tells nothing.
    """
    if not (disagreement > 0 and told > 0):
        return disagreement
    by_both = (1.0 - TOLD) * math.log(disagreement) + TOLD * math.log(told)
    return np.float32(math.exp(by_both))


@compiled
def open_intervals(
    intervals: Intervals,
    errors: Errors,
    layout: Layout,
    i: int,
    t: int,
    spread: Real,
    moves: Floats,
    doubts: Floats,
    quantiles: Floats,
) -> None:
    """Keep a forecast made at step t, to be scored as its horizons come.

    Parameters
    ----------
    moves, doubts : (H,)
        How far values will move, and the `doubt` of that, in the ring's unit.
    quantiles : (K,)
        What is worked on.
    """
    horizon = len(moves)
    first = _size(intervals, i, 0, spread)
    restless = narrowed(restlessness(errors, i, first, SMALLEST_SIZE * spread, LARGEST_LOG))
    intervals.restless[i, t % horizon] = restless
    growth = narrowed(_growth(intervals, i))
    intervals.growth[i, t % horizon] = growth
    for h in range(horizon):
        kept = layout.place[h] + t % (h + 1)
        intervals.newest[i, h] = moves[h]
        intervals.moves[i, kept] = narrowed(bounded(ratio(moves[h], spread), np.float32(MOST_HALF)))
        compared = _compared(intervals.usual[i], t, h, spread, doubts[h])
        intervals.doubts[i, kept] = compared
        stretch = _stretch(intervals, layout, i, h, widened(restless), compared)
        stretch *= _grown(widened(growth), h) * _doubted(intervals, i, t, h)
        intervals.width[i, h] = narrowed(_in_bounds(ratio(stretch * _size(intervals, i, h, spread), spread)))
    for group in range(len(layout.edge)):
        edge = layout.edge[group]
        shown = intervals.shown[i, layout.edge_place[group] + t % edge]
        shown[0] = narrowed(_in_bounds(ratio(_size(intervals, i, edge - 1, spread), spread)))
        write_tracked(intervals.centre[i, group], intervals.gaps[i, group], quantiles)
        for k in range(len(LEVELS)):
            shown[1 + k] = narrowed(quantiles[k])


@compiled
def _in_bounds(size: Real) -> Real:
    return min(max(size, np.float32(SMALLEST_SIZE)), np.float32(MOST_HALF))


@compiled
def _compared(usual: Floats, t: int, h: int, spread: Real, doubt: Real) -> Whole:
    """Logarithm of doubt over the usual one, which it moves, as a small integer."""
    doubt = np.float32(doubt + np.float32(SMALLEST_SIZE) * spread)
    weight = np.float32(max(1.0 / (t + 1), 1.0 / SPAN))
    usual[h] += weight * (doubt - usual[h])
    compared = math.log(positive_ratio(doubt, usual[h]))
    return int(np.rint(bounded(compared, np.float32(LARGEST_LOG)) * np.float32(UNIT)))


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

"""The scale of each series: level, spread and usual differences, all hard to upset; and the outlier gate.

Letters: S series, D differences.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Flag, Floats, Real, Wholes, bounded, median, ratio
from lstm_stream.compiled import compiled, entry
from lstm_stream.history import History, back, factor
from lstm_stream.seasons import AHEAD, DAY, DIFFERENCES, LAGS, LONG, SECOND, SHORT, seasons

OUTLIER = 5.0
"""In spreads: no value moves the scale further than this."""
YOUNG = 32
"""Steps in which the scale is the median's of all values, which up to half of them can't upset."""
LARGEST_OFF = 100.0
"""In spreads: how far a value may lie off the level, for the autocorrelation."""
SLOWER = 1.2
"""A series goes back to its level by so many times the autocorrelation, as the level wanders, too."""
PERSISTENCE, PERSISTENCE_PRIOR, PERSISTENCE_SPAN = 0.85, 10.0, 1000.0
"""Of a series without values and at most, values that this is worth, and memory of the autocorrelation, in values."""
MEMORY = 8 * DAY
"""Seconds of memory of the scale."""
LEAST_SPAN, MOST_SPAN, SEASONS_OF_SPAN = 192.0, 4096.0, 8.0
"""Steps of memory of the scale, and shorter seasons that it has at least."""
GATED = 200.0
"""In spreads, and half as many times further than any value kept: what is further out is taken as missing."""
MOST_GATED = 2
"""Gated values in a row; the one after them is believed: a series may turn into another."""
ABSOLUTE_FLOOR, RELATIVE_FLOOR = 1e-12, 1e-9
"""The least spread, and of the size of the level."""


class Scale(NamedTuple):
    """How widely each series spreads."""

    level: Floats  # (S,) running mean, in the ring's unit
    spread: Floats  # (S,) about a standard deviation around it, in the ring's unit
    extreme_run: Wholes  # (S,) values in a row that were outliers
    extreme: Floats  # (S,) how far the last outlier after others lay off the level, in the ring's unit; fades
    born: Wholes  # (S,) the last step of the repeats that the series began with
    off: Floats  # (S,) how far the newest value lies off the level, in spreads, bounded as it moved the scale
    again: Floats  # (S, 2) mean of that times the same of the value before; mean square of the latter
    gated_run: npt.NDArray[np.int8]  # (S,) values in a row that the outlier gate took as missing
    span: Floats  # (S,) memory of the scale, in steps
    lags: npt.NDArray[np.int32]  # (S, D) in steps; 0: none
    found: Wholes  # (S,) the longer season if the values told it and not the calendar; 0: they did not
    difference: Floats  # (S, D) mean absolute difference over each lag, in the ring's unit

    @classmethod
    def empty(cls) -> "Scale":
        """Of no series."""
        single = np.zeros(0, np.float32)
        return cls(
            level=single,
            spread=single,
            extreme_run=np.zeros(0, np.int64),
            extreme=single,
            born=np.zeros(0, np.int64),
            off=single,
            again=np.zeros((0, 2), np.float32),
            gated_run=np.zeros(0, np.int8),
            span=single,
            lags=np.zeros((0, DIFFERENCES), np.int32),
            found=np.zeros(0, np.int64),
            difference=np.zeros((0, DIFFERENCES), np.float32),
        )


@entry
def spread_of(scale: Scale, history: History, i: int) -> Real:
    """The spread, never zero."""
    size = abs(history.first[i] / factor(history, i) + scale.level[i])
    return max(scale.spread[i], np.float32(RELATIVE_FLOOR * size + ABSOLUTE_FLOOR))


@compiled
def set_step(scale: Scale, history: History, i: int, step: int) -> None:
    """Fix the lags and the memory of a series that is new, or whose step (microseconds) has become known."""
    if scale.span[i] != 0 and history.step[i] == step:
        return
    short, long = seasons(step / SECOND)
    history.step[i], scale.found[i] = step, 0
    for k in range(len(LAGS)):
        scale.lags[i, k] = LAGS[k]
    _set_season(scale, i, SHORT, short, history.ring.shape[1])
    _set_season(scale, i, LONG, long, history.ring.shape[1])
    of_time = MEMORY * SECOND / step if step else 0.0
    scale.span[i] = min(max(of_time, SEASONS_OF_SPAN * short, LEAST_SPAN), MOST_SPAN)


@compiled
def _set_season(scale: Scale, i: int, first: int, season: int, kept: int) -> None:
    """Lags of a season and of what followed a season ago; zeros where it is longer than what is kept."""
    known = 1 < season < kept
    scale.lags[i, first] = season if known else 0
    for k in range(len(AHEAD)):
        scale.lags[i, first + 1 + k] = -AHEAD[k] % season if known else 0


@compiled
def gated(scale: Scale, history: History, i: int, value: Real) -> Flag:
    """Outlier gate: whether the next value is so far out that it is better taken as missing.

    One value of 1e12 among normal ones says nothing of the next, and would be remembered a week later.
    """
    spread = spread_of(scale, history, i)
    off = abs((value - history.first[i]) / factor(history, i) - scale.level[i])
    far = off > GATED * spread and scale.spread[i] >= spread and history.age[i] > YOUNG
    far = far and scale.gated_run[i] < MOST_GATED and off > 0.5 * GATED * _furthest(scale, history, i)
    scale.gated_run[i] = scale.gated_run[i] + 1 if far else 0
    return far


@compiled
def _furthest(scale: Scale, history: History, i: int) -> Real:
    """How far the value furthest from the level lies from it, of those that are kept."""
    furthest = np.float32(0.0)
    for k in range(history.ring.shape[1]):
        furthest = max(furthest, abs(history.ring[i, k] - scale.level[i]))
    return furthest


@compiled
def rescale(scale: Scale, history: History, i: int, roughness: Real) -> None:
    """Let the newest value move the scale, by a little at most.

    One outlier says nothing of the next, nor do many in a row, as in an outage. But outliers that come again apart from
    each other make a series as wide as they are.

    Parameters
    ----------
    roughness
        Least spread of a young series, in its mean absolute steps.
    """
    off = back(history, i, 0) - scale.level[i]
    usual = np.float32(OUTLIER) * spread_of(scale, history, i)
    extreme = abs(off) > usual
    begins = extreme and scale.extreme_run[i] == 0
    bound = max(usual, min(abs(off), scale.extreme[i])) if begins else usual  # an outlier that comes again is none
    weight = np.float32(1.0) / scale.span[i]
    scale.extreme[i] = abs(off) if begins else (np.float32(1.0) - weight) * scale.extreme[i]
    scale.level[i] += weight * bounded(off, bound)
    scale.spread[i] += weight * (np.float32(1.25) * min(abs(off), bound) - scale.spread[i])
    _learn_persistence(scale, history, i, bounded(off, bound))
    if first_moves(history, i):
        scale.born[i] = history.age[i] - 2
    _start_again(scale, history, i, extreme)
    _rescale_differences(scale, history, i)
    if history.age[i] - scale.born[i] <= YOUNG:
        scale.spread[i] = max(scale.spread[i], np.float32(roughness) * scale.difference[i, 0])


@compiled
def first_moves(history: History, i: int) -> Flag:
    """Whether the newest value, which was observed, is the first that is another one, after repeats."""
    return history.stood_since[i] == 0 and history.ended[i] > 0 and history.began[i] == history.age[i] - 1


@compiled
def _learn_persistence(scale: Scale, history: History, i: int, off: Real) -> None:
    before, now = scale.off[i], bounded(ratio(off, spread_of(scale, history, i)), np.float32(LARGEST_OFF))
    weight = np.float32(1.0 / min(float(history.age[i]), PERSISTENCE_SPAN))
    scale.again[i, 0] += weight * (now * before - scale.again[i, 0])
    scale.again[i, 1] += weight * (before * before - scale.again[i, 1])
    scale.off[i] = now


@compiled
def persistence(scale: Scale, history: History, i: int) -> Real:
    """How much of what a value lies off the level is left a step later: the autocorrelation, 0 to `PERSISTENCE`.

    What is more persistent wanders: then the level is no place to go back to, but after an outage.
    """
    count = np.float32(min(float(history.age[i]), PERSISTENCE_SPAN))
    prior = np.float32(PERSISTENCE_PRIOR)
    product = count * scale.again[i, 0] + prior * np.float32(PERSISTENCE)
    found = np.float32(SLOWER) * product / (count * scale.again[i, 1] + prior)
    return min(max(found, np.float32(0.0)), np.float32(PERSISTENCE))


@compiled
def _start_again(scale: Scale, history: History, i: int, extreme: bool) -> None:
    """Take the scale of the last values alone, of a young series or after many outliers in a row."""
    scale.extreme_run[i] = scale.extreme_run[i] + 1 if extreme else 0
    if history.age[i] - scale.born[i] > YOUNG and scale.extreme_run[i] < YOUNG:
        return
    count = min(history.age[i] - scale.born[i], YOUNG)
    values = np.empty(count, np.float32)
    for k in range(count):
        values[k] = back(history, i, k)
    scale.level[i], scale.spread[i] = _middle(values)
    scale.extreme_run[i] = 0
    for k in range(DIFFERENCES):
        scale.difference[i, k] = min(scale.difference[i, k], np.float32(2) * scale.spread[i])


@compiled
def _middle(values: Floats) -> tuple[Real, Real]:
    """Median of some values, and their spread: of the median deviation, or of the mean one where that is zero."""
    level = median(values)
    off = np.abs(values - level)
    deviation = np.float32(1.4826) * median(off)
    trimmed = (off.sum() - off[-1]) / max(len(off) - 1, 1)
    return level, deviation if deviation > 0 else np.float32(trimmed)


@compiled
def _rescale_differences(scale: Scale, history: History, i: int) -> None:
    largest = np.float32(OUTLIER) * spread_of(scale, history, i)
    for k in range(DIFFERENCES):
        since = history.age[i] - scale.born[i] - scale.lags[i, k]  # differences of this kind so far
        if since > 0:
            weight = np.float32(max(1.0 / since, 1.0 / scale.span[i]))
            size = min(abs(difference(scale, history, i, k)), largest)
            scale.difference[i, k] += weight * (size - scale.difference[i, k])
        else:
            scale.difference[i, k] = 0.0


@compiled
def difference(scale: Scale, history: History, i: int, k: int) -> Real:
    """y[t] - y[t-lag] of the newest value and the k-th lag; 0 where there is no such value."""
    lag, lived = scale.lags[i, k], history.age[i] - scale.born[i]
    return back(history, i, 0) - back(history, i, lag) if lag < lived else np.float32(0.0)


@compiled
def measure(scale: Scale, history: History, i: int) -> None:
    """Take level, spread and usual differences anew, from the values that are kept."""
    count = min(history.age[i], history.ring.shape[1])
    lasting = min(count, int(scale.span[i]))
    level = spread = 0.0
    for k in range(lasting):
        level += back(history, i, k)
    scale.level[i] = level / max(lasting, 1)
    for k in range(lasting):
        spread += abs(back(history, i, k) - scale.level[i])
    scale.spread[i] = 1.25 * spread / max(lasting, 1)
    scale.extreme_run[i] = 0
    largest = OUTLIER * spread_of(scale, history, i)
    for kind in range(DIFFERENCES):
        lag = scale.lags[i, kind]
        length = min(count - lag, int(scale.span[i]))
        if length > 0:
            total = 0.0
            for k in range(length):
                total += min(abs(back(history, i, k) - back(history, i, k + lag)), largest)
            scale.difference[i, kind] = total / length


def spreads(scale: Scale, history: History, rows: Wholes) -> Floats:
    """The spreads (N,) of some series, never zero."""
    size = np.abs(history.first[rows] / (1.0 + history.factor_less_one[rows]) + scale.level[rows])
    floor = (RELATIVE_FLOOR * size + ABSOLUTE_FLOOR).astype(np.float32)
    return np.maximum(scale.spread[rows], floor)

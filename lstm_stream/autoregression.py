"""A regression of each series on its own last values and on those a season ago, by recursive least squares.

What it says of many steps ahead goes on from what it says of the first ones. With values a season ago and just before
these among the regressors, that is a seasonal autoregression such as ARIMA(4,0,0)(1,0,0)'s, fitted anew at every value.
It weighs all errors alike, where the shard's regressions weigh them by how restless the series was.

Letters: S series, R regressors, H horizons.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Flag, Floats, Real, bounded, fill, fits, ratio
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back, stands_still
from lstm_stream.scale import Scale, spread_of
from lstm_stream.seasons import LONG, SHORT

NEAR = 4
"""Last values among the regressors, and values from a season ago backwards."""
REGRESSORS = 1 + 3 * NEAR
"""R: one, the last values, those of the shorter season ago and of the longer one."""
SPAN = 300.0
"""Memory, in values."""
RIDGE = 0.3
"""What the sum of the squares of each regressor starts from."""
LEAST_SUM = 0.1
"""Of what it starts from: the sum of squares is never less, however long a regressor was zero."""
OUTLIER = 5.0
"""An error further out, in usual ones, counts as this."""
FAR = 20.0
"""In spreads: where regressors are further off, less is learnt, lest a few wild values make up all that is known."""
YOUNG = 50.0
"""Errors until it is known which ones are usual."""
LARGEST_WEIGHTS = 1e3
"""Of all lags together: beyond that, rounding has made it up, and it begins anew."""
LARGEST_SAID = 1e33
"""In the ring's unit: times weights, that is a number still."""
GROWN = 12.0
"""Units: where the spread is wider, the constant regressor grows with it, and lessons count the less."""
FEWEST = 24
"""Values that it must have learnt from to say something."""
BEGINNING = 8
"""Steps after the series began to move at which it begins to learn."""
LARGEST = 1e12
"""In units; a value further from the level counts as this, and what it says is never further off."""


class Autoregressions(NamedTuple):
    """The regression of each series."""

    unit: Floats  # (S,) of values, in the ring's unit; 0: it has not begun
    seasons: npt.NDArray[np.int32]  # (S, 2) the shorter and the longer one that it is fitted to, in steps
    learnt: npt.NDArray[np.int32]  # (S,) values so far
    mass: Floats  # (S,) discounted number of errors
    squared: Floats  # (S,) discounted sum of squared errors, in units
    weights: Floats  # (S, R)
    inverse: Floats  # (S, R (R + 1) / 2) inverse sum of squares of the regressors, the lower triangle row by row

    @classmethod
    def empty(cls) -> "Autoregressions":
        """Of no series."""
        single = np.zeros(0, np.float32)
        return cls(
            unit=single,
            seasons=np.zeros((0, 2), np.int32),
            learnt=np.zeros(0, np.int32),
            mass=single,
            squared=single,
            weights=np.zeros((0, REGRESSORS), np.float32),
            inverse=np.zeros((0, REGRESSORS * (REGRESSORS + 1) // 2), np.float32),
        )


class Workspace(NamedTuple):
    """Where it is worked on."""

    regressors: Floats  # (R,)
    gain: Floats  # (R,)
    lags: npt.NDArray[np.int64]  # (R,) in steps; 0: none

    @classmethod
    def empty(cls) -> "Workspace":
        """For one series."""
        single = np.zeros(REGRESSORS, np.float32)
        return cls(single, single.copy(), np.zeros(REGRESSORS, np.int64))


@compiled
def learn_autoregression(
    fitted: Autoregressions, history: History, scale: Scale, i: int, observed: bool, work: Workspace
) -> Flag:
    """Learn from the newest value; begin, or begin anew where the seasons have changed, and tell whether it did.

    A value that is filled in is no lesson, nor is one of a sensor that is stuck.
    """
    short, long = scale.lags[i, SHORT], scale.lags[i, LONG]
    lived = history.age[i] - 1 - scale.born[i]
    spread = spread_of(scale, history, i)
    if fitted.unit[i] == 0 or fitted.seasons[i, 0] != short or fitted.seasons[i, 1] != long:
        if lived >= BEGINNING and scale.spread[i] > 0:
            anew = fitted.unit[i] > 0
            _begin(fitted, i, short, long, spread)
            return anew
        return False
    if not observed or stands_still(history, i):
        return False
    if not fits(fitted.unit[i], spread):
        _change_unit(fitted, i, spread)
    write_lags_of(short, long, history.ring.shape[1], work.lags)
    z, unit, level = work.regressors, fitted.unit[i], scale.level[i]
    grown = _grown(spread, unit)
    z[0] = grown
    usual = np.float32(FAR) * max(ratio(spread, unit), np.float32(1.0))
    said, furthest = fitted.weights[i, 0] * grown, usual
    for r in range(1, REGRESSORS):
        lag = work.lags[r]
        z[r] = _in_units(history, i, lag, level, unit) if 0 < lag <= lived else np.float32(0.0)
        said += fitted.weights[i, r] * z[r]
        furthest = max(furthest, abs(z[r]))
    error = bounded(_in_units(history, i, 0, level, unit) - said, np.float32(LARGEST))
    worth = usual / (furthest * grown)
    if not _correct(fitted, i, _usual(fitted, i, error), worth * worth, spread, z, work.gain):
        _forget(fitted, i)
    return False


@compiled
def _grown(spread: Real, unit: Real) -> Real:
    """How many times wider the series has become than it may with lessons that count alike."""
    return max(ratio(spread, unit) / np.float32(GROWN), np.float32(1.0))


@compiled
def _forget(fitted: Autoregressions, i: int) -> None:
    """Leave nothing, so that it begins anew."""
    fitted.unit[i], fitted.learnt[i], fitted.mass[i], fitted.squared[i] = 0.0, 0, 0.0, 0.0
    fill(fitted.weights[i], 0.0)
    fill(fitted.inverse[i], 0.0)


@compiled
def _in_units(history: History, i: int, lag: int, level: Real, unit: Real) -> Real:
    """How far the value so many steps before the newest lies off the level."""
    return bounded(ratio(back(history, i, lag) - level, unit), np.float32(LARGEST))


@compiled
def _begin(fitted: Autoregressions, i: int, short: int, long: int, unit: Real) -> None:
    """Begin with the last value as all that it says."""
    _forget(fitted, i)
    fitted.unit[i] = unit
    fitted.seasons[i, 0], fitted.seasons[i, 1] = short, long
    fitted.weights[i, 1] = 1.0
    _doubt(fitted, i, unit)


@compiled
def _doubt(fitted: Autoregressions, i: int, spread: Real) -> None:
    """Hold the weights for as little known as at the start."""
    fill(fitted.inverse[i], 0.0)
    fitted.inverse[i, 0] = 1.0 / RIDGE
    usual = max(ratio(spread, fitted.unit[i]), np.float32(1.0))
    for r in range(1, REGRESSORS):
        fitted.inverse[i, _place(r, r)] = 1.0 / (RIDGE * usual * usual)


@compiled
def _change_unit(fitted: Autoregressions, i: int, unit: Real) -> None:
    """Tell what is known in another unit; of a series that shrank it counts for little, lest large lessons outweigh."""
    change = ratio(unit, fitted.unit[i])
    lesson = change / _grown(unit, fitted.unit[i])  # by which the units differ that lessons are told in
    fitted.unit[i] = unit
    fitted.squared[i] = min(ratio(fitted.squared[i] / change, change), np.float32(LARGEST * LARGEST))
    fitted.weights[i, 0] /= lesson
    if lesson < 1:
        fitted.weights[i, 0] = 0.0
        _doubt(fitted, i, unit)
        return
    for r in range(1, REGRESSORS):
        fitted.inverse[i, _place(r, 0)] *= lesson
        for c in range(1, r + 1):
            fitted.inverse[i, _place(r, c)] *= lesson * lesson
    for r in range(REGRESSORS):
        _keep_in_bounds(fitted.inverse[i], r)


@compiled
def _place(row: int, column: int) -> int:
    """Where an element of the lower triangle lies."""
    return row * (row + 1) // 2 + column


@compiled
def write_lags_of(short: int, long: int, kept: int, lags: npt.NDArray[np.int64]) -> None:
    """Write how long before a value its regressors (R,) lie: further ones in the place of a season there is not."""
    lags[0] = 0
    for k in range(NEAR):
        lags[1 + k] = 1 + k
        lags[1 + NEAR + k] = short + k if short > NEAR else (1 + NEAR + k if short == 0 else 0)
        lags[1 + 2 * NEAR + k] = long + k if long > NEAR else 1 + 2 * NEAR + k
    for r in range(1, REGRESSORS):
        if lags[r] >= kept:
            lags[r] = 0


@compiled
def _usual(fitted: Autoregressions, i: int, error: Real) -> Real:
    """The error, or the furthest that is usual."""
    left = np.float32(1.0 - 1.0 / SPAN)
    if fitted.mass[i] > YOUNG:
        error = bounded(error, np.float32(OUTLIER) * math.sqrt(fitted.squared[i] / fitted.mass[i]))
    fitted.mass[i] = left * fitted.mass[i] + np.float32(1.0)
    fitted.squared[i] = left * fitted.squared[i] + error * error
    return error


@compiled
def _correct(fitted: Autoregressions, i: int, error: Real, worth: Real, spread: Real, z: Floats, gain: Floats) -> Flag:
    """Move the weights and the inverse by an error that counts so much, up to 1.

    See Haykin, Adaptive Filter Theory, chapter 10. Where rounding made a variance negative, the inverse begins anew.

    Returns
    -------
    Whether the weights are such as a series may have.
    """
    inverse, left = fitted.inverse[i], np.float32(1.0 - 1.0 / SPAN)
    fill(gain, 0.0)
    for r in range(REGRESSORS):
        row = _place(r, 0)
        for c in range(r):
            gain[r] += inverse[row + c] * z[c]
            gain[c] += inverse[row + c] * z[r]
        gain[r] += inverse[row + r] * z[r]
    variance = np.float32(0.0)
    for r in range(REGRESSORS):
        variance += z[r] * gain[r]
    if not 0 <= variance < np.inf:
        _doubt(fitted, i, spread)
        return True
    total, weights = left / worth + variance, np.float32(0.0)
    for r in range(REGRESSORS):
        fitted.weights[i, r] += error * gain[r] / total
        weights += abs(fitted.weights[i, r]) if r > 0 else np.float32(0.0)
    for r in range(REGRESSORS):
        row, part = _place(r, 0), gain[r] / total
        for c in range(r + 1):
            inverse[row + c] = (inverse[row + c] - part * gain[c]) / left
    for r in range(REGRESSORS):
        _keep_in_bounds(inverse, r)
    fitted.learnt[i] += 1
    return weights < LARGEST_WEIGHTS and abs(fitted.weights[i, 0]) < LARGEST


@compiled
def _keep_in_bounds(inverse: Floats, r: int) -> None:
    """Let what is not known of a regressor's weight grow no further than so much, nor be less than nothing."""
    variance = inverse[_place(r, r)]
    most = np.float32(1.0 / (LEAST_SUM * RIDGE))
    if variance > most or variance <= 0:
        less = math.sqrt(most / variance) if variance > 0 else np.float32(0.0)
        for c in range(REGRESSORS):
            inverse[_place(max(r, c), min(r, c))] *= less
        inverse[_place(r, r)] = most


@compiled
def say_autoregression(
    fitted: Autoregressions, history: History, scale: Scale, i: int, moves: Floats, work: Workspace
) -> None:
    """Write how far values will move (H,), in the ring's unit; NaN where it has learnt too little."""
    if fitted.learnt[i] < FEWEST:
        fill(moves, np.nan)
        return
    lived, kept, age = history.age[i] - 1 - scale.born[i], history.ring.shape[1], history.age[i]
    write_lags_of(fitted.seasons[i, 0], fitted.seasons[i, 1], kept, work.lags)
    unit, level = fitted.unit[i], scale.level[i]
    constant = fitted.weights[i, 0] * unit * _grown(spread_of(scale, history, i), unit)
    furthest = np.float32(min(LARGEST * np.float64(unit), LARGEST_SAID))
    for h in range(len(moves)):
        off = np.float32(0.0)
        for r in range(1, REGRESSORS):
            before = work.lags[r] - 1 - h
            if work.lags[r] == 0 or before > lived:
                continue
            if before >= 0:
                off += fitted.weights[i, r] * (history.ring[i, (age - 1 - before) % kept] - level)
            else:
                off += fitted.weights[i, r] * moves[-before - 1]
        moves[h] = bounded(off + constant, furthest)
    down = level - back(history, i, 0)
    for h in range(len(moves)):
        moves[h] += down

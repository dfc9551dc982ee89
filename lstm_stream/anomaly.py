"""Anomaly score: how rare a value is after the forecasts made of it, and among all values before.

Letters: S series, R levels of sizes, K levels of rarity.
"""

import math
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Flags, Floats, Real, Wholes, bounded, positive_ratio, ratio
from lstm_stream.compiled import compiled
from lstm_stream.rarity import LEVELS, hazard_of, tail_hazard

LONG_SPAN = 5000
"""Memory of the mean size of errors that absolute errors are held against, in errors."""
RECORD_SHARE = 0.5
"""Memory of how often new extremes come, as a share of all values so far: early ones are many, and say little."""
RECORD_UNIT = 0.02
"""Of the range of all values before: how far beyond it an extreme is no mere chance."""
RARITIES = (0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999)
"""Levels of rarity whose quantiles make the score: their shares are what the score says."""
RARITY_RATES = (0.04, 0.04, 0.04, 0.06, 0.1, 0.1, 0.15, 0.35, 0.35)
"""How far such a quantile moves on one value, in its logarithm. The rare levels see few values beyond them, so each
one moves them far: with .3 for the last two .9999 is exceeded 1.6 times as often as it says."""
RARITY_BOUND = 3.0
"""Of the logarithm of such a quantile, beyond that of rarities which need no calibration."""
RARITY_TAIL = 3.0
"""Beyond the last one, a rarity e times as large is this power of e as rare."""
PEAK_SPAN = 50
"""Values in which only a rarity larger than all of these scores more than `PEAK_LEVEL`: a peak is told once."""
PEAK_LEVEL = RARITIES.index(0.999)
REPEAT_SPAN = 1000
"""Memory of how often values repeat, in values."""
AGAIN_SPAN = 50
"""Memory of how often they do once more, in repeats."""
STANDSTILL_SHARE = 0.5
"""Of what a score allows for errors, what it allows for repeats."""
ANOMALOUS = 0.99
"""Of a standstill with a higher score than this is told once."""
WARM = 64
"""One-step errors that must have come before a series is called warm."""
SPAN = 200
"""Memory of mean absolute errors, in errors."""
RECENT_SPAN = 6
"""One-step errors that tell how restless a series is."""
LARGEST_SIZE = 1e36
"""Of errors, in the ring's unit: beyond this there is no room for what stretches it."""
SMALLEST_RANGE = 1e-30
"""Of values, and of a mean size: what a series without any is held against."""
EXPECTED = tuple((-np.log1p(-np.asarray(RARITIES))).tolist())
"""Quantiles of rarities that need no calibration: minus logarithms of the shares beyond them, (K,)."""
EXPECTED_GAPS = tuple(np.diff(EXPECTED, prepend=0.0).tolist())
"""How much such a logarithm falls from each to the next, (K,)."""


class Errors(NamedTuple):
    """One-step errors of each series, and what makes a score of them.

    A *rarity* is minus the logarithm of the share of values that are as far out. Several things are rare:

    - an error of its size over the one expected of it, which forgets soon how large errors were;
    - an error of its absolute size, with a long memory: a small one is no anomaly, however quiet it was;
    - the mean absolute error of all forecasts of the value, one to H steps ahead, with a long memory: what drifts away
      or lasts for a day is soon forecast well one step ahead, and yet was not expected long before;
    - a value beyond all before: this adds how seldom that happens, and how far beyond it lies, over their range.

    The sum of halves of the first three and the last one is held against its own quantiles, which follow it (`rarity`).
    So the share of scores above .9, .99, .999 and .9999 is 10, 1, .1 and .01 % in the long run, whatever errors and
    values do. Above .999 a peak is told once: for some values only one that is rarer than all of them gets there.

    A value that repeats the one before may err little, and yet be rare: the score is also as large as values seldom
    repeat so often, where half as many may be above a level. Of a long standstill is told once, and again when it has
    gone on for as long as would be rare after that.

    A series that starts again after a gap keeps what it knows of its errors, and is not silent until it is warm anew.
    """

    scored: Wholes  # (S,) one-step errors since the series started
    judged: Wholes  # (S,) one-step errors that scores know of, those before it started again among them
    absolute: Floats  # (S, 2) mean absolute one-step error: the model's, the last value's; in the ring's unit
    recent: Floats  # (S,) mean of the last absolute one-step errors, in the ring's unit
    mean: Floats  # (S, 2) mean absolute error with a long memory: one-step, of all forecasts; in the ring's unit
    quantiles: Floats  # (S, R) log quantiles of absolute errors over their size, beyond the normal distribution's
    slow: Floats  # (S, 2, R) the same of absolute errors over each `mean`
    range: Doubles  # (S, 2) the least and the largest value, in the series' unit
    inside: Floats  # (S,) share of late values that were no new extremes
    rarities: Floats  # (S, K) log quantiles of rarities, beyond those that need no calibration
    peak: Floats  # (S,) the largest rarity of the last values
    since: Wholes  # (S,) values since then
    repeats: Floats  # (S, 2) share that repeat the value before, of those after a move; after a repeat, beyond a half
    repeated: Flags  # (S,) whether the newest value repeats the one before
    rarity: Floats  # (S,) logarithm of how rarely values repeat as often as they have since the last move, or score

    @classmethod
    def empty(cls) -> "Errors":
        """Of no series."""
        single, whole, pair = np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
        return cls(
            scored=whole,
            judged=whole,
            absolute=pair,
            recent=single,
            mean=pair,
            quantiles=np.zeros((0, len(LEVELS)), np.float32),
            slow=np.zeros((0, 2, len(LEVELS)), np.float32),
            range=np.zeros((0, 2), np.float64),
            inside=single,
            rarities=np.zeros((0, len(RARITIES)), np.float32),
            peak=single,
            since=whole,
            repeats=pair,
            repeated=np.zeros(0, np.bool_),
            rarity=single,
        )


@compiled
def score_anomaly(errors: Errors, i: int, error: Real, wide: Real, moved: Real, size: Real, value: Real) -> Real:
    """Take what a value says of the forecasts made of it, in the ring's unit; returns its score, NaN while warming.

    Parameters
    ----------
    error, wide
        The one-step error, and the mean absolute error of all forecasts of the value.
    moved
        How far it moved.
    size
        The mean absolute one-step error that was to be expected.
    value
        In the series' unit.
    """
    repeated = moved == 0
    again = _repeating(errors, i) if repeated else 0.0
    standstill = 1.0 - math.exp(again) / STANDSTILL_SHARE
    rarity = _of_errors(errors, i, abs(error), wide, size) + _of_extreme(errors, i, value)
    score = max(-math.expm1(-_calibrated(errors, i, rarity)), standstill)
    warm = errors.judged[i] >= WARM
    _keep_sizes(errors, i, abs(error), wide, abs(moved))
    _learn_repeats(errors, i, repeated)
    errors.rarity[i] = 0.0 if standstill > ANOMALOUS else again
    return score if warm else np.nan


@compiled
def _repeating(errors: Errors, i: int) -> Real:
    """Logarithm of how rarely values repeat as often as these."""
    count = float(min(errors.judged[i], REPEAT_SPAN))
    first = (errors.repeats[i, 0] * count + 1.0) / (count + 2.0)
    again = max(0.5 + errors.repeats[i, 1], 1e-6)
    return errors.rarity[i] + math.log(again if errors.repeated[i] else first)


@compiled
def _of_errors(errors: Errors, i: int, error: Real, wide: Real, size: Real) -> Real:
    """Rarity of the errors of a value, by their sizes over what was expected and what is usual, which learn of them."""
    known = errors.judged[i] > 0
    usual = max(errors.mean[i, 0], SMALLEST_RANGE) if known else size
    usually_wide = max(errors.mean[i, 1], SMALLEST_RANGE) if known else size
    if errors.scored[i] < min(errors.judged[i], WARM):  # started again: sizes are not settled
        size = max(size, usual)
    total = tail_hazard(errors.quantiles[i], ratio(error, size))
    total += tail_hazard(errors.slow[i, 0], ratio(error, usual))
    return 0.5 * (total + tail_hazard(errors.slow[i, 1], ratio(wide, usually_wide)))


@compiled
def _of_extreme(errors: Errors, i: int, value: Real) -> Real:
    """Rarity of a value beyond all before, 0 of others; it is one of them from now on.

    Of values in any order the newest of n is the least or the largest one 2 times in n; where they wander, more often.
    """
    count, values = errors.judged[i], errors.range[i]
    if count == 0:
        values[0] = values[1] = value
        return 0.0
    beyond, width = max(value - values[1], values[0] - value), values[1] - values[0]
    seldom = max(1.0 - errors.inside[i], 2.0 / (count + 2.0))
    errors.inside[i] += ((0.0 if beyond > 0 else 1.0) - errors.inside[i]) / max(RECORD_SHARE * count, 1.0)
    values[0], values[1] = min(values[0], value), max(values[1], value)
    if not beyond > 0:
        return 0.0
    return -math.log(seldom) + math.log1p(ratio(beyond, max(RECORD_UNIT * width, SMALLEST_RANGE)))


@compiled
def _calibrated(errors: Errors, i: int, rarity: Real) -> Real:
    """Minus the logarithm of the share of rarities that are as large, by their quantiles, from which it learns."""
    quantiles = np.empty(len(RARITIES), np.float32)
    for k in range(len(RARITIES)):
        quantiles[k] = EXPECTED[k] * math.exp(errors.rarities[i, k])
    rarity = _once_per_peak(errors, i, rarity, quantiles[PEAK_LEVEL])
    for k in range(len(RARITIES)):
        pull = RARITY_RATES[k] * (RARITIES[k] if rarity > quantiles[k] else RARITIES[k] - 1.0)
        errors.rarities[i, k] = bounded(errors.rarities[i, k] + pull, RARITY_BOUND)
    return hazard_of(rarity, quantiles, EXPECTED_GAPS, RARITY_TAIL)


@compiled
def _once_per_peak(errors: Errors, i: int, rarity: Real, most: Real) -> Real:
    """The rarity, no larger than so much where one of the last values was as rare."""
    errors.since[i] += 1
    if errors.since[i] > PEAK_SPAN or rarity > errors.peak[i]:
        errors.peak[i], errors.since[i] = rarity, 0
        return rarity
    return min(rarity, most)


@compiled
def _keep_sizes(errors: Errors, i: int, error: Real, wide: Real, moved: Real) -> None:
    errors.scored[i] += 1
    errors.judged[i] += 1
    memory = min(errors.judged[i], LONG_SPAN)
    errors.mean[i, 0] += (error - errors.mean[i, 0]) / memory
    errors.mean[i, 1] += (wide - errors.mean[i, 1]) / memory
    weight = 1.0 / min(errors.scored[i], SPAN)
    errors.absolute[i, 0] += weight * (error - errors.absolute[i, 0])
    errors.absolute[i, 1] += weight * (moved - errors.absolute[i, 1])
    errors.recent[i] += (error - errors.recent[i]) / min(errors.scored[i], RECENT_SPAN)


@compiled
def _learn_repeats(errors: Errors, i: int, repeated: bool) -> None:
    """Learn how often values repeat the one before."""
    came = 1.0 if repeated else 0.0
    if errors.repeated[i]:
        errors.repeats[i, 1] += (came - 0.5 - errors.repeats[i, 1]) / AGAIN_SPAN
    else:
        errors.repeats[i, 0] += (came - errors.repeats[i, 0]) / min(errors.judged[i], REPEAT_SPAN)
    errors.repeated[i] = repeated


@compiled
def restlessness(errors: Errors, i: int, size: Real, least: Real, largest: Real) -> Real:
    """Logarithm of the last one-step errors over their mean size, bounded."""
    if errors.scored[i] == 0:
        return 0.0
    return bounded(math.log(positive_ratio(max(errors.recent[i], least), size)), largest)


@compiled
def change_unit(errors: Errors, i: int, factor: Real) -> None:
    """Take the last errors of a series to be in another unit, that many times as large."""
    errors.recent[i] = min(errors.recent[i] / abs(factor), LARGEST_SIZE)
    for k in range(2):
        errors.absolute[i, k] = min(errors.absolute[i, k] / abs(factor), LARGEST_SIZE)


@compiled
def widen_range(errors: Errors, i: int, ring: Floats, first: Real, factor: Real) -> None:
    """Take these values alone, in the ring's unit, for all that came before: a structural break has been mended."""
    one, other = first + factor * ring.min(), first + factor * ring.max()
    errors.range[i, 0], errors.range[i, 1] = min(one, other), max(one, other)


def start_again(errors: Errors, i: int, factor: float) -> None:
    """Let a series start again after a gap, with what it knows of how large and rare its errors are.

    Parameters
    ----------
    factor
        What a unit of the ring has been in the series' one, which it is from now on.
    """
    errors.scored[i], errors.absolute[i], errors.recent[i] = 0, 0.0, 0.0
    errors.mean[i] = np.minimum(errors.mean[i] * abs(factor), LARGEST_SIZE)
    errors.peak[i], errors.since[i], errors.repeated[i], errors.rarity[i] = 0.0, 0, False, 0.0

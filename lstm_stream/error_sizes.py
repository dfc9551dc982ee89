"""The expected size of errors: their mean absolute size, stretched by what is known at the origin.

It is larger where the series is restless (by its last one-step errors) and where the forecast is uncertain (its experts
disagree, or the pretrained network tells that it will be far off). Powers of both are learnt, by the gradient of the
likelihood of errors of that mean size.

Letters: H horizons, G groups of horizons.
"""

import math

import numpy as np

from lstm_stream.arithmetic import (
    Floats,
    Real,
    Whole,
    bounded,
    fill,
    positive_ratio,
    ratio,
    widened,
)
from lstm_stream.compiled import compiled
from lstm_stream.interval_state import Intervals, Layout, Workspace

SPAN = 200
"""Memory of sizes, in errors."""
YOUNG_WEIGHT = 4.0
"""Of a young series' newest error, against each of those before: first errors are not the usual ones."""
POWERS = (0.3, 0.55)
"""Powers of restlessness and of uncertainty that sizes start from; all stay within 0 and 1."""
TRACKING, CATCHING_UP = 0.05, 0.25
"""Weight of an error in the tracking signal, and the most that sizes then learn from one error."""
SMALL_SAMPLE = 1.0
"""By how many of its sizes an interval is wider before there are errors; by half of that after one, and so on."""
TOLD = 0.45
"""Weight of what the pretrained network tells of errors, against how much the experts disagree."""
POWER_RATE = 0.01
LARGEST_LOG = 2.0
"""Of restlessness, of uncertainty, and of what both make of a size."""
LARGEST_EXCESS = 7.0
"""An error larger than its size by more sizes than these teaches no more than one that is."""
UNIT = 63.0
"""One in the logarithm of uncertainty, as a small integer."""
SMALLEST_SIZE = 1e-6
"""In spreads."""


@compiled
def expected_size(intervals: Intervals, i: int, unit: Real, work: Workspace) -> Real:
    """The mean absolute one-step error that was to be expected; `unit` is the spread of its origin."""
    return size_of(intervals, i, 0, unit) * work.stretch[0]


@compiled
def size_of(intervals: Intervals, i: int, h: int, guess: Real) -> Real:
    """The mean absolute error h + 1 steps ahead, not stretched; a guess before there is any error."""
    size = intervals.size[i, h]
    return size if size > 0 else guess


@compiled
def stretch_of(intervals: Intervals, layout: Layout, i: int, h: int, restless: Real, uncertainty: Whole) -> Real:
    """How many times its mean size an error is expected to be; `uncertainty` is a logarithm, in `UNIT`."""
    power, group = intervals.power[i], layout.group[h]
    by_restlessness = (power[0, group] + np.float32(POWERS[0])) * restless
    by_uncertainty = (power[1, group] + np.float32(POWERS[1])) * (uncertainty * np.float32(1 / UNIT))
    return math.exp(bounded(by_restlessness + by_uncertainty, np.float32(LARGEST_LOG)))


@compiled
def learn_powers(intervals: Intervals, layout: Layout, i: int, t: int, unit: Floats, work: Workspace) -> None:
    """Let the powers follow the errors of step t; `unit` (H,) are the spreads of their origins."""
    horizon, pull = len(unit), work.powers
    for group in range(len(pull)):
        fill(pull[group], 0.0)
    for h in range(horizon):
        if work.there[h]:
            kept = layout.place[h] + t % (h + 1)
            scaled = ratio(abs(work.error[h]) / work.stretch[h], size_of(intervals, i, h, unit[h]))
            excess = min(scaled - np.float32(1.0), np.float32(LARGEST_EXCESS))
            pull[layout.group[h], 0] += excess * widened(intervals.restless[i, (t - h - 1) % horizon])
            pull[layout.group[h], 1] += excess * (intervals.uncertainty[i, kept] * np.float32(1 / UNIT))
    for group in range(len(pull)):
        rate = POWER_RATE / math.sqrt(layout.edge[group]) / layout.width[group]
        for k in range(len(POWERS)):
            power = intervals.power[i, k, group] + rate * pull[group, k]
            intervals.power[i, k, group] = min(max(power, -POWERS[k]), 1.0 - POWERS[k])


@compiled
def learn_sizes(intervals: Intervals, i: int, t: int, unit: Floats, work: Workspace) -> None:
    """Let the sizes follow the errors of step t; `unit` (H,) are the spreads of their origins."""
    _learn_growth(intervals, i, unit, work)
    usual = max(1.0 / SPAN, _catching_up(intervals, i))
    for h in range(len(unit)):
        if work.there[h]:
            before = size_of(intervals, i, h, unit[h])
            lately = max(t - h - 1 - intervals.anew[i], 0)  # errors that the size has been learnt from
            weight = np.float32(max(YOUNG_WEIGHT / (lately + YOUNG_WEIGHT + 1.0), usual))
            size = before + weight * (abs(work.error[h]) / work.stretch[h] - before)
            intervals.size[i, h] = max(size, np.float32(SMALLEST_SIZE) * unit[h])


@compiled
def _learn_growth(intervals: Intervals, i: int, unit: Floats, work: Workspace) -> None:
    """Learn how far sizes lag behind errors."""
    behind = intervals.behind[i]
    if work.there[0]:
        scaled = ratio(abs(work.error[0]) / work.stretch[0], size_of(intervals, i, 0, unit[0]))
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
    fourth = signal * signal * signal * signal
    return np.float32(CATCHING_UP) * fourth * fourth  # of volatility that comes in clusters, next to nothing


@compiled
def growth_of(intervals: Intervals, i: int) -> Real:
    """By how much sizes grow a step: so they will until a forecast comes true."""
    return _catching_up(intervals, i) * max(intervals.behind[i, 0], np.float32(0.0))


@compiled
def grown_by(growth: Real, h: int) -> Real:
    """How many times as large an error is h + 1 steps ahead, where sizes grow at this rate a step."""
    return math.exp(bounded(growth * np.float32(h + 1), np.float32(LARGEST_LOG)))


@compiled
def small_sample_factor(intervals: Intervals, i: int, t: int, h: int) -> Real:
    """How many times as wide as its size tells an interval is at step t, as few errors tell little of the next.

    Errors further ahead overlap: h + 1 steps ahead, as many of them in a row tell as much as one.
    """
    apart = np.float32(max(t - h - intervals.anew[i], 0)) / np.float32(h + 1)
    return np.float32(1.0) + np.float32(SMALL_SAMPLE) / (apart + np.float32(1.0))


@compiled
def uncertainty_of(disagreement: Real, told: Real) -> Real:
    """How uncertain a forecast is: a geometric mean of how much its experts disagree, and how far off it is told to be.

    The first is the standard deviation of what they say (Lahiri and Sheng 2010, "Measuring forecast uncertainty by
    disagreement"), the second comes from the pretrained network; 0: it tells nothing.
    """
    if not (disagreement > 0 and told > 0):
        return disagreement
    by_both = (1.0 - TOLD) * math.log(disagreement) + TOLD * math.log(told)
    return np.float32(math.exp(by_both))


@compiled
def compare_uncertainty(usual: Floats, t: int, h: int, spread: Real, uncertainty: Real) -> Whole:
    """Logarithm of uncertainty over the usual one, which it moves, as a small integer."""
    uncertainty = np.float32(uncertainty + np.float32(SMALLEST_SIZE) * spread)
    weight = np.float32(max(1.0 / (t + 1), 1.0 / SPAN))
    usual[h] += weight * (uncertainty - usual[h])
    compared = math.log(positive_ratio(uncertainty, usual[h]))
    return int(np.rint(bounded(compared, np.float32(LARGEST_LOG)) * np.float32(UNIT)))

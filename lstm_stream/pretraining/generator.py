"""Generated series of every kind that users bring, for a network to learn from before it sees theirs.

A series is a sum or a product of a trend, seasons and noise, seen through a link (counts, a floor, a cap, rounding),
with what happens to real series now and then: shifts, spikes, standstills, missing values. Each part is drawn anew for
each series, as are the shares of the parts, so that some are all season and others all noise. The ideas are those of
ForecastPFN (Dooley et al. 2023), KernelSynth and TSMixup (Ansari et al. 2024, Chronos).

Shapes: N steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lstm_stream.pretraining.kinds import (
    bursts,
    composed,
    counter,
    growing,
    intermittent,
    jobs,
    smooth,
    switching,
    walk,
)
from lstm_stream.pretraining.parts import DAY, Array, Draw, Form, coin, standard

STEPS = (60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, DAY, 7 * DAY, 30.4 * DAY)
"""Seconds from one value to the next."""
STEP_WEIGHTS = (4, 8, 4, 10, 12, 34, 3, 2, 17, 3, 3)
EPOCH, SPAN = 946_684_800.0, 25 * 365 * DAY
"""Seconds: the first time that a series may start at, and how long after it the last."""
MIXED = 0.12
"""Part of the series that are the mean of two."""


class Generated(NamedTuple):
    """A series."""

    step: float  # seconds
    start: float  # of the first value, seconds since the epoch
    values: Array  # (N,) NaN: missing


def generate(count: int, draw: Draw) -> Generated:
    """Draw a series of so many values."""
    step = float(draw.choice(STEPS, p=np.asarray(STEP_WEIGHTS) / sum(STEP_WEIGHTS)))
    start = float(step * np.floor((EPOCH + draw.uniform(0, SPAN)) / step))
    form = Form(count, step, start)
    values = _series(form, draw)
    if draw.random() < MIXED:
        share = draw.uniform(0.2, 0.8)
        values = share * standard(values) + (1 - share) * standard(_series(form, draw))
    values = values * 10 ** draw.uniform(-3, 5) + (draw.normal(0, 10 ** draw.uniform(-1, 3)) if coin(draw, 0.4) else 0)
    return Generated(step, start, _with_missing(values, draw))


def _series(form: Form, draw: Draw) -> Array:
    kinds: tuple[tuple[float, Callable[[Form, Draw], Array]], ...] = (
        (0.53, composed),
        (0.10, bursts),
        (0.06, jobs),
        (0.06, intermittent),
        (0.07, switching),
        (0.06, walk),
        (0.08, smooth),
        (0.03, counter),
        (0.02, growing),
    )
    weights = [weight for weight, _ in kinds]
    _, kind = kinds[int(draw.choice(len(kinds), p=np.asarray(weights) / sum(weights)))]
    return _mishaps(_linked(kind(form, draw), draw), draw)


def _linked(values: Array, draw: Draw) -> Array:
    kind = draw.random()
    if kind < 0.66:
        return values
    if kind < 0.74:
        rates = 10 ** draw.uniform(-0.5, 2.5) * np.exp(np.clip(0.7 * standard(values), -8, 3))
        return draw.poisson(rates).astype(np.float64)
    if kind < 0.82:
        return np.maximum(values, np.quantile(values, draw.uniform(0, 0.6)))
    if kind < 0.88:
        return np.minimum(values, np.quantile(values, draw.uniform(0.5, 1)))
    if kind < 0.95:
        grain = values.std() * 10 ** draw.uniform(-2, 0) + 1e-9
        rounded: Array = np.round(values / grain) * grain
        return rounded
    return np.sign(values) * np.abs(standard(values)) ** draw.uniform(0.5, 2.0)


def _mishaps(values: Array, draw: Draw) -> Array:
    values, count, size = values.copy(), len(values), values.std() + 1e-9
    if coin(draw, 0.15):
        for at in draw.integers(0, count, int(draw.integers(1, 4))):
            values[at:] += draw.normal(0, 2) * size
    if coin(draw, 0.12):
        at = draw.integers(0, count, int(draw.integers(1, 12)))
        values[at] += draw.normal(0, 1, len(at)) * size * 10 ** draw.uniform(0.3, 1.5)
    if coin(draw, 0.08):
        at, length = int(draw.integers(0, count)), int(draw.integers(3, 60))
        values[at : at + length] = values[at] if coin(draw, 0.6) else 0.0
    if coin(draw, 0.04):
        at = int(draw.integers(count // 8, count))
        values[at:] *= draw.uniform(0.2, 3)
    return values


def _with_missing(values: Array, draw: Draw) -> Array:
    values = values.copy()
    if coin(draw, 0.15):
        values[draw.random(len(values)) < draw.uniform(0, 0.15)] = np.nan
    if coin(draw, 0.1):
        at = int(draw.integers(1, len(values)))
        values[at : at + int(draw.integers(2, 48))] = np.nan
    return values

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
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Draw = np.random.Generator

DAY = 86_400.0
"""Seconds."""
STEPS = (60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, DAY, 7 * DAY, 30.4 * DAY)
"""Seconds from one value to the next."""
STEP_WEIGHTS = (4, 8, 4, 10, 12, 34, 3, 2, 17, 3, 3)
EPOCH, SPAN = 946_684_800.0, 25 * 365 * DAY
"""Seconds: the first time that a series may start at, and how long after it the last."""
MIXED = 0.12
"""Part of the series that are the mean of two."""


class Form(NamedTuple):
    """When a series has its values."""

    length: int
    step: float  # seconds
    start: float  # of the first value, seconds since the epoch


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
        values = share * _standard(values) + (1 - share) * _standard(_series(form, draw))
    values = values * 10 ** draw.uniform(-3, 5) + (draw.normal(0, 10 ** draw.uniform(-1, 3)) if _coin(draw, 0.4) else 0)
    return Generated(step, start, _with_missing(values, draw))


def _series(form: Form, draw: Draw) -> Array:
    kinds: tuple[tuple[float, Callable[[Form, Draw], Array]], ...] = (
        (0.58, _composed),
        (0.10, _bursts),
        (0.06, _intermittent),
        (0.06, _switching),
        (0.06, _walk),
        (0.09, _smooth),
        (0.03, _counter),
        (0.02, _growing),
    )
    weights = [weight for weight, _ in kinds]
    _, kind = kinds[int(draw.choice(len(kinds), p=np.asarray(weights) / sum(weights)))]
    return _mishaps(_linked(kind(form, draw), draw), draw)


# Kinds


def _composed(form: Form, draw: Draw) -> Array:
    """Trend, seasons and noise, added, or the seasons' amplitude going with the level."""
    count = form.length
    season = _seasons(form, draw)
    noise = _noise(count, draw) * 10 ** draw.uniform(-2.0, 0.3)
    if _coin(draw, 0.3):
        noise = noise * (0.3 + np.abs(season))
    trend = _trend(count, draw) * 10 ** draw.uniform(-1.5, 0.8)
    if _coin(draw, 0.25):
        return np.exp(np.clip(0.6 * (season + trend + noise), -12, 6))
    return season * _modulation(count, draw) + trend + noise


def _bursts(form: Form, draw: Draw) -> Array:
    """Arrivals that decay, more of them at some times of the day, on a quiet ground: machines and queues."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 2) * _seasons(form, draw), -4, 2.5))
    arrivals = draw.random(count) < np.clip(10 ** draw.uniform(-2.5, -0.7) * busy, 0, 0.9)
    sizes = np.where(arrivals, draw.pareto(draw.uniform(1.5, 4), count) + 0.3, 0.0)
    ground = 10 ** draw.uniform(-2, 0) * np.abs(1 + 0.3 * _noise(count, draw))
    return _decayed(sizes, draw.uniform(0, 0.95)) + ground


def _intermittent(form: Form, draw: Draw) -> Array:
    """Demand: most steps none."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 1) * _seasons(form, draw), -3, 2))
    at = draw.random(count) < np.clip(draw.uniform(0.02, 0.6) * busy, 0, 1)
    sizes = draw.lognormal(0, draw.uniform(0.1, 1.0), count)
    return np.where(at, np.ceil(3 * sizes) if _coin(draw, 0.7) else sizes, 0.0)


def _switching(form: Form, draw: Draw) -> Array:
    """Two or three levels that a machine switches between, at random or by the clock."""
    count = form.length
    levels = draw.normal(0, 1, int(draw.integers(2, 4)))
    if _coin(draw, 0.4):
        period = int(draw.integers(4, 200))
        at = (np.arange(count) + draw.integers(period)) % period * len(levels) // period
    else:
        at = np.cumsum(draw.random(count) < 10 ** draw.uniform(-2.2, -0.5)) % len(levels)
    switched: Array = levels[at]
    return switched + _noise(count, draw) * 10 ** draw.uniform(-2.5, -0.5)


def _walk(form: Form, draw: Draw) -> Array:
    """A random walk, or one that comes back to its level: prices, rates."""
    count = form.length
    steps = draw.standard_t(draw.uniform(3, 20), count) if _coin(draw, 0.5) else draw.normal(0, 1, count)
    walk = _decayed(steps, 1.0 if _coin(draw, 0.6) else 1 - 10 ** draw.uniform(-3, -1))
    return walk + draw.normal(0, 1, count) * (10 ** draw.uniform(-2, 0.3) if _coin(draw, 0.4) else 0)


def _smooth(form: Form, draw: Draw) -> Array:
    """A draw of a Gaussian process, by the random Fourier features of its kernel (Rahimi and Recht 2007)."""
    count = form.length
    total = np.zeros(count)
    for _ in range(int(draw.integers(1, 4))):
        length = 10 ** draw.uniform(0.3, 2.3)  # steps
        waves = draw.standard_t(draw.uniform(2, 20), 40) / length
        phases = draw.uniform(0, 2 * np.pi, 40)
        part = np.cos(np.outer(np.arange(count), waves) + phases).sum(1) * np.sqrt(2 / 40)
        total = total * part if _coin(draw, 0.15) and total.any() else total + draw.uniform(0.3, 1) * part
    return total + draw.normal(0, 1, count) * 10 ** draw.uniform(-2.5, -0.3)


def _counter(form: Form, draw: Draw) -> Array:
    """A counter or a tank: it fills, faster at some times of the day, and starts again, when full or at random."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 1.5) * _seasons(form, draw), -4, 2))
    filled = np.cumsum(busy * np.abs(1 + draw.uniform(0, 1) * _noise(count, draw)))
    if _coin(draw, 0.5):
        level: Array = filled % (filled[-1] / draw.uniform(1, 30))
        return level
    restarts = np.where(draw.random(count) < 10 ** draw.uniform(-3, -1.5), filled, 0.0)
    return filled - np.maximum.accumulate(restarts)


def _growing(form: Form, draw: Draw) -> Array:
    """Growth or decay by a share of the level at each step."""
    count = form.length
    rate = _sign(draw) * 10 ** draw.uniform(-3.5, -1.5)
    shocks = _noise(count, draw) * 10 ** draw.uniform(-2.5, -0.7)
    season = draw.uniform(0, 0.5) * _standard(_seasons(form, draw)) if _coin(draw, 0.5) else 0.0
    grown: Array = np.exp(np.clip(rate * np.arange(count), -30, 30) + season + shocks)
    return grown


# Parts


def _seasons(form: Form, draw: Draw) -> Array:
    """Day, week and year as far as the step tells them, or a season that is no calendar's."""
    count, step = form.length, form.step
    time: Array = form.start + step * np.arange(count, dtype=np.float64)
    day: Array = time / DAY % 1
    week: Array = (time / DAY - 4) / 7 % 1
    year: Array = time / (365.25 * DAY) % 1
    total = np.zeros(count)
    if step <= DAY / 4 and _coin(draw, 0.85):
        total += _profile(draw)(day)
        if _coin(draw, 0.5):
            total[week * 7 >= 5] *= draw.uniform(-0.2, 1.1)
        if _coin(draw, 0.3):  # another course on days of rest
            total[week * 7 >= 5] = (draw.uniform(0.3, 1) * _profile(draw)(day))[week * 7 >= 5]
    if step <= 2 * DAY and _coin(draw, 0.5 if step < DAY else 0.7):
        levels = draw.normal(0, 1, 7)
        course = _profile(draw)(week) if _coin(draw, 0.4) else levels[(week * 7).astype(int) % 7]
        total += draw.uniform(0.1, 1) * course
    if step >= DAY / 4 and _coin(draw, 0.6):
        total += draw.uniform(0.3, 2) * _profile(draw)(year)
    if not total.any() or _coin(draw, 0.12):
        period = 10 ** draw.uniform(0.6, 2.4)
        part: Array = (np.arange(count) / period + draw.random()) % 1
        total += _profile(draw)(part)
    return total


def _profile(draw: Draw) -> Callable[[Array], Array]:
    """A course over a season, by the part of it that has gone by."""
    kind = draw.random()
    if kind < 0.55:
        ranks = np.arange(1, int(draw.integers(2, 9)))
        sines, cosines = draw.normal(0, ranks ** -draw.uniform(0.5, 2.0), (2, len(ranks)))
        return lambda part: (
            np.sin(2 * np.pi * np.outer(part, ranks)) @ sines + (np.cos(2 * np.pi * np.outer(part, ranks)) @ cosines)
        )
    if kind < 0.8:
        count = int(draw.integers(1, 5))
        at, widths, heights = draw.random(count), draw.uniform(0.015, 0.2, count), draw.normal(0, 1, count) + 0.6
        return lambda part: (
            heights * np.exp((np.cos(2 * np.pi * (part[:, None] - at)) - 1) / (2 * np.pi * widths) ** 2 * 2)
        ).sum(1)
    if kind < 0.93:
        edges, levels = np.sort(draw.random(int(draw.integers(1, 5)))), draw.normal(0, 1, 6)
        return lambda part: levels[np.searchsorted(edges, part)]
    spike, width, height = draw.random(), 10 ** draw.uniform(-2, -1), _sign(draw) * 10 ** draw.uniform(0, 1)
    return lambda part: np.where((part - spike) % 1 < width, height, 0.0)


def _trend(count: int, draw: Draw) -> Array:
    kind, ahead = draw.random(), np.arange(count) / 500
    if kind < 0.3:
        return np.zeros(count)
    if kind < 0.5:
        return draw.normal() * ahead
    if kind < 0.6:
        return draw.normal() * np.expm1(np.clip(draw.uniform(-1, 1) * ahead, -5, 4))
    if kind < 0.75:
        turns = np.where(draw.random(count) < 0.006, draw.normal(0, 1, count), 0.0)
        slopes: Array = draw.normal() + np.cumsum(turns)
        bent: Array = np.cumsum(slopes) * 0.002
        return bent
    if kind < 0.92:
        walk: Array = np.cumsum(draw.normal(0, 1, count)) * 300**-0.5
        return walk
    smooth: Array = np.cumsum(_decayed(draw.normal(0, 1, count), draw.uniform(0.9, 0.995))) * 0.003
    return smooth


def _noise(count: int, draw: Draw) -> Array:
    """Of standard deviation about 1: white or not, with tails or without, of a size that changes or not."""
    shocks = draw.standard_t(draw.uniform(2.5, 12), count) if _coin(draw, 0.35) else draw.normal(0, 1, count)
    if _coin(draw, 0.2):
        shocks = shocks * np.exp(0.7 * _standard(_decayed(draw.normal(0, 1, count), draw.uniform(0.8, 0.99))))
    if _coin(draw, 0.6):
        shocks = _decayed(shocks, draw.uniform(0, 0.99))
    if _coin(draw, 0.15):
        shocks = shocks + draw.uniform(-0.9, 0.9) * np.concatenate([[0.0], shocks[:-1]])
    return _standard(shocks)


def _modulation(count: int, draw: Draw) -> Array:
    """How a season's amplitude changes along the series."""
    if _coin(draw, 0.6):
        return np.ones(count)
    return np.exp(draw.uniform(0.05, 0.5) * _standard(_decayed(draw.normal(0, 1, count), draw.uniform(0.98, 0.999))))


# What happens to series, and how they are seen


def _linked(values: Array, draw: Draw) -> Array:
    kind = draw.random()
    if kind < 0.66:
        return values
    if kind < 0.74:
        rates = 10 ** draw.uniform(-0.5, 2.5) * np.exp(np.clip(0.7 * _standard(values), -8, 3))
        return draw.poisson(rates).astype(np.float64)
    if kind < 0.82:
        return np.maximum(values, np.quantile(values, draw.uniform(0, 0.6)))
    if kind < 0.88:
        return np.minimum(values, np.quantile(values, draw.uniform(0.5, 1)))
    if kind < 0.95:
        grain = values.std() * 10 ** draw.uniform(-2, 0) + 1e-9
        rounded: Array = np.round(values / grain) * grain
        return rounded
    return np.sign(values) * np.abs(_standard(values)) ** draw.uniform(0.5, 2.0)


def _mishaps(values: Array, draw: Draw) -> Array:
    values, count, size = values.copy(), len(values), values.std() + 1e-9
    if _coin(draw, 0.15):
        for at in draw.integers(0, count, int(draw.integers(1, 4))):
            values[at:] += draw.normal(0, 2) * size
    if _coin(draw, 0.12):
        at = draw.integers(0, count, int(draw.integers(1, 12)))
        values[at] += draw.normal(0, 1, len(at)) * size * 10 ** draw.uniform(0.3, 1.5)
    if _coin(draw, 0.08):
        at, length = int(draw.integers(0, count)), int(draw.integers(3, 60))
        values[at : at + length] = values[at] if _coin(draw, 0.6) else 0.0
    if _coin(draw, 0.04):
        at = int(draw.integers(count // 8, count))
        values[at:] *= draw.uniform(0.2, 3)
    return values


def _with_missing(values: Array, draw: Draw) -> Array:
    values = values.copy()
    if _coin(draw, 0.15):
        values[draw.random(len(values)) < draw.uniform(0, 0.15)] = np.nan
    if _coin(draw, 0.1):
        at = int(draw.integers(1, len(values)))
        values[at : at + int(draw.integers(2, 48))] = np.nan
    return values


def _decayed(shocks: Array, kept: float) -> Array:
    """Each value is the shock and what is kept of the value before."""
    out, value = np.empty_like(shocks), 0.0
    for t, shock in enumerate(shocks.tolist()):
        value = kept * value + shock
        out[t] = value
    return out


def _standard(values: Array) -> Array:
    standard: Array = (values - values.mean()) / (values.std() + 1e-9)
    return standard


def _sign(draw: Draw) -> float:
    return 1.0 if _coin(draw, 0.5) else -1.0


def _coin(draw: Draw, chance: float) -> bool:
    return bool(draw.random() < chance)

"""Kinds of generated series: sums of seasons, trend and noise, bursts, intermittent demand, switches, walks, counters.

Shapes: N steps.
"""

import numpy as np

from lstm_stream.pretraining.parts import (
    DAY,
    Array,
    Draw,
    Form,
    coin,
    decayed,
    draw_modulation,
    draw_noise,
    draw_seasons,
    draw_trend,
    sign,
    standard,
)


def composed(form: Form, draw: Draw) -> Array:
    """Trend, seasons and noise, added, or the seasons' amplitude going with the level."""
    count = form.length
    season = draw_seasons(form, draw)
    noise = draw_noise(count, draw) * 10 ** draw.uniform(-2.0, 0.3)
    if coin(draw, 0.3):
        noise = noise * (0.3 + np.abs(season))
    trend = draw_trend(count, draw) * 10 ** draw.uniform(-1.5, 0.8)
    if coin(draw, 0.25):
        return np.exp(np.clip(0.6 * (season + trend + noise), -12, 6))
    return season * draw_modulation(count, draw) + trend + noise


def bursts(form: Form, draw: Draw) -> Array:
    """Arrivals that decay, more of them at some times of the day, on a quiet ground: machines and queues."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 2) * draw_seasons(form, draw), -4, 2.5))
    arrivals = draw.random(count) < np.clip(10 ** draw.uniform(-2.5, -0.7) * busy, 0, 0.9)
    sizes = np.where(arrivals, draw.pareto(draw.uniform(1.5, 4), count) + 0.3, 0.0)
    ground = 10 ** draw.uniform(-2, 0) * np.abs(1 + 0.3 * draw_noise(count, draw))
    return decayed(sizes, draw.uniform(0, 0.95)) + ground


PERIODS = (900.0, 1800.0, 3600.0, 10_800.0, 21_600.0, 43_200.0, DAY, 7 * DAY)
"""Seconds from one run of a job to the next."""
SHORTEST_RUNS, LONGEST_RUNS = 3, 400
"""Steps from one run of a job to the next, that a series shows often enough to tell."""


def jobs(form: Form, draw: Draw) -> Array:
    """What machines do by the clock: one to three jobs, run every few minutes to every week, on a quiet ground."""
    time: Array = form.start + form.step * np.arange(form.length, dtype=np.float64)
    periods = [period for period in PERIODS if SHORTEST_RUNS <= period / form.step <= LONGEST_RUNS]
    total = draw_noise(form.length, draw)
    if coin(draw, 0.4):
        total = total + 10 ** draw.uniform(-0.5, 1) * standard(draw_seasons(form, draw))
    for _ in range(int(draw.integers(1, 4))):
        by_calendar = periods and coin(draw, 0.8)
        period = draw.choice(periods) if by_calendar else form.step * draw.integers(SHORTEST_RUNS, LONGEST_RUNS)
        since = time / period - draw.random()
        run = (np.floor(since) - np.floor(since[0])).astype(int)
        spread, length = draw.uniform(0, 0.3, 2) * (draw.random(2) < 0.5), 10 ** draw.uniform(-2, -0.2)
        lengths, heights = np.exp(spread[:, None] * draw.normal(0, 1, (2, run[-1] + 1)))
        heights[draw.random(len(heights)) < (draw.uniform(0, 0.2) if coin(draw, 0.3) else 0)] = 0.0
        lasts = np.maximum(length * lengths, form.step / period)[run]
        total = total + np.where(since % 1 < lasts, 10 ** draw.uniform(0, 2.7) * heights[run], 0.0)
    return total


def intermittent(form: Form, draw: Draw) -> Array:
    """Demand: most steps none."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 1) * draw_seasons(form, draw), -3, 2))
    at = draw.random(count) < np.clip(draw.uniform(0.02, 0.6) * busy, 0, 1)
    sizes = draw.lognormal(0, draw.uniform(0.1, 1.0), count)
    return np.where(at, np.ceil(3 * sizes) if coin(draw, 0.7) else sizes, 0.0)


def switching(form: Form, draw: Draw) -> Array:
    """Two or three levels that a machine switches between, at random or by the clock."""
    count = form.length
    levels = draw.normal(0, 1, int(draw.integers(2, 4)))
    if coin(draw, 0.4):
        period = int(draw.integers(4, 200))
        at = (np.arange(count) + draw.integers(period)) % period * len(levels) // period
    else:
        at = np.cumsum(draw.random(count) < 10 ** draw.uniform(-2.2, -0.5)) % len(levels)
    switched: Array = levels[at]
    return switched + draw_noise(count, draw) * 10 ** draw.uniform(-2.5, -0.5)


def walk(form: Form, draw: Draw) -> Array:
    """A random walk, or one that comes back to its level: prices, rates."""
    count = form.length
    steps = draw.standard_t(draw.uniform(3, 20), count) if coin(draw, 0.5) else draw.normal(0, 1, count)
    walk = decayed(steps, 1.0 if coin(draw, 0.6) else 1 - 10 ** draw.uniform(-3, -1))
    return walk + draw.normal(0, 1, count) * (10 ** draw.uniform(-2, 0.3) if coin(draw, 0.4) else 0)


def smooth(form: Form, draw: Draw) -> Array:
    """A draw of a Gaussian process, by the random Fourier features of its kernel (Rahimi and Recht 2007)."""
    count = form.length
    total = np.zeros(count)
    for _ in range(int(draw.integers(1, 4))):
        length = 10 ** draw.uniform(0.3, 2.3)  # steps
        waves = draw.standard_t(draw.uniform(2, 20), 40) / length
        phases = draw.uniform(0, 2 * np.pi, 40)
        part = np.cos(np.outer(np.arange(count), waves) + phases).sum(1) * np.sqrt(2 / 40)
        total = total * part if coin(draw, 0.15) and total.any() else total + draw.uniform(0.3, 1) * part
    return total + draw.normal(0, 1, count) * 10 ** draw.uniform(-2.5, -0.3)


def counter(form: Form, draw: Draw) -> Array:
    """A counter or a tank: it fills, faster at some times of the day, and starts again, when full or at random."""
    count = form.length
    busy = np.exp(np.clip(draw.uniform(0, 1.5) * draw_seasons(form, draw), -4, 2))
    filled = np.cumsum(busy * np.abs(1 + draw.uniform(0, 1) * draw_noise(count, draw)))
    if coin(draw, 0.5):
        level: Array = filled % (filled[-1] / draw.uniform(1, 30))
        return level
    restarts = np.where(draw.random(count) < 10 ** draw.uniform(-3, -1.5), filled, 0.0)
    return filled - np.maximum.accumulate(restarts)


def growing(form: Form, draw: Draw) -> Array:
    """Growth or decay by a share of the level at each step."""
    count = form.length
    rate = sign(draw) * 10 ** draw.uniform(-3.5, -1.5)
    shocks = draw_noise(count, draw) * 10 ** draw.uniform(-2.5, -0.7)
    season = draw.uniform(0, 0.5) * standard(draw_seasons(form, draw)) if coin(draw, 0.5) else 0.0
    grown: Array = np.exp(np.clip(rate * np.arange(count), -30, 30) + season + shocks)
    return grown

"""Parts of generated series: seasons, trends, noise, and how a season's amplitude changes.

Each is drawn anew for each series. Shapes: N steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Draw = np.random.Generator

DAY = 86_400.0
"""Seconds."""


ZONES = ((-8.0, -4.0), (0.0, 3.0), (5.5, 9.0), (-12.0, 12.0))
"""Hours that clocks are ahead of UTC: in America, Europe and Africa, Asia, anywhere."""


class Form(NamedTuple):
    """When a series has its values."""

    length: int
    step: float  # seconds
    start: float  # of the first value, seconds since the epoch


def draw_seasons(form: Form, draw: Draw) -> Array:
    """Day, week and year as far as the step tells them, or a season that is no calendar's."""
    count, step = form.length, form.step
    time: Array = form.start + step * np.arange(count, dtype=np.float64)
    day: Array = time / DAY % 1
    week: Array = (time / DAY - 4) / 7 % 1
    year: Array = time / (365.25 * DAY) % 1
    total, rest = np.zeros(count), week * 7 >= 5
    if step <= DAY / 4 and coin(draw, 0.85):
        of_work, of_rest = draw_days(draw)
        total += of_work(day)
        if coin(draw, 0.5):
            total[rest] = draw.uniform(-0.2, 1.1) * of_rest(day[rest])
    if step <= 2 * DAY and coin(draw, 0.5 if step < DAY else 0.7):
        levels = draw.normal(0, 1, 7)
        course = draw_profile(draw)(week) if coin(draw, 0.4) else levels[(week * 7).astype(int) % 7]
        total += draw.uniform(0.1, 1) * course
    if step >= DAY / 4 and coin(draw, 0.6):
        total += draw.uniform(0.3, 2) * (draw_climate(draw) if coin(draw, 0.6) else draw_profile(draw))(year)
    if not total.any() or coin(draw, 0.12):
        period = 10 ** draw.uniform(0.6, 2.4)
        part: Array = (np.arange(count) / period + draw.random()) % 1
        total += draw_profile(draw)(part)
    return total


def draw_profile(draw: Draw) -> Callable[[Array], Array]:
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
    spike, width, height = draw.random(), 10 ** draw.uniform(-2, -1), sign(draw) * 10 ** draw.uniform(0, 1)
    return lambda part: np.where((part - spike) % 1 < width, height, 0.0)


def draw_days(draw: Draw) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The courses over a day of work and one of rest, by the part of it that has gone by.

    Most of what is measured follows people or the sun; times are told by the local clock, or in UTC of some country.
    """
    if coin(draw, 0.3):
        course = draw_profile(draw)
        return course, draw_profile(draw) if coin(draw, 0.4) else course
    ahead = 0.0 if coin(draw, 0.45) else draw.uniform(*ZONES[int(draw.integers(len(ZONES)))])
    turned = -1.0 if coin(draw, 0.08) else 1.0
    kind = draw.random()
    of_work = _sun(draw) if kind < 0.35 else _working(draw) if kind < 0.5 else _awake(draw)
    of_rest, later = of_work, 0.0
    if kind > 0.35 and coin(draw, 0.6):
        of_rest = _awake(draw) if coin(draw, 0.5) else of_work
        later = draw.uniform(0, 2.5)
    return (
        lambda part: turned * of_work((24 * part + ahead) % 24),
        lambda part: turned * of_rest((24 * part + ahead - later) % 24),
    )


def _awake(draw: Draw) -> Callable[[Array], Array]:
    """What people do awake, by the hour: least before dawn, with peaks on the way to work, at noon, in the evening."""
    deepest, steepness = draw.normal(3.8, 0.9), 10 ** draw.uniform(-0.5, 0.7)
    centres = draw.normal((8.3, 12.8, 18.3, 21.0), (0.8, 0.8, 1.2, 1.0))
    widths, heights = draw.uniform(0.6, 3.0, 4), draw.uniform(-0.3, 1.2, 4) * (draw.random(4) < 0.55)

    def course(hour: Array) -> Array:
        away = (hour[:, None] - centres + 12) % 24 - 12
        peaks: Array = (heights * np.exp(-0.5 * (away / widths) ** 2)).sum(1)
        night: Array = np.expm1(steepness * (np.cos(2 * np.pi * (hour - deepest) / 24) - 1)) / np.expm1(-2 * steepness)
        return 1.5 * night + peaks

    return course


def _sun(draw: Draw) -> Callable[[Array], Array]:
    """What the sun does, by the hour: a temperature, highest in the afternoon, or light, none at night."""
    if coin(draw, 0.3):
        noon, length, power = draw.normal(12.5, 0.7), draw.uniform(-0.4, 0.4), draw.uniform(0.7, 2)
        return lambda hour: 2 * np.maximum(np.cos(2 * np.pi * (hour - noon) / 24) + length, 0) ** power
    highest, second, lean = draw.normal(15.2, 1.2), draw.uniform(0, 0.4), draw.normal(0.3, 0.5)

    def temperature(hour: Array) -> Array:
        angle = 2 * np.pi * (hour - highest) / 24
        swing: Array = np.cos(angle) + second * np.cos(2 * angle - lean)
        return swing

    return temperature


def _working(draw: Draw) -> Callable[[Array], Array]:
    """What runs in working hours, by the hour."""
    begin, end, flank = draw.normal(7.7, 1.0), draw.normal(18.0, 1.8), 10 ** draw.uniform(-1.3, 0.2)

    def course(hour: Array) -> Array:
        begun, ended = (0.5 + 0.5 * np.tanh((hour - at) / (2 * flank)) for at in (begin, end))
        running: Array = 2 * (begun - ended)
        return running

    return course


def draw_climate(draw: Draw) -> Callable[[Array], Array]:
    """The course of what goes with the weather over a year: of a temperature, or of what heats and cools."""
    warmest = draw.normal(0.55, 0.03) + (0.0 if coin(draw, 0.75) else 0.5)
    both = draw.uniform(0, 1) if coin(draw, 0.4) else 0.0
    turned = -1.0 if coin(draw, 0.25) else 1.0
    return lambda part: (
        turned * (1 - both) * np.cos(2 * np.pi * (part - warmest)) + both * np.cos(4 * np.pi * (part - warmest))
    )


def draw_trend(count: int, draw: Draw) -> Array:
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
    smooth: Array = np.cumsum(decayed(draw.normal(0, 1, count), draw.uniform(0.9, 0.995))) * 0.003
    return smooth


def draw_noise(count: int, draw: Draw) -> Array:
    """Of standard deviation about 1: white or not, with tails or without, of a size that changes or not."""
    shocks = draw.standard_t(draw.uniform(2.5, 12), count) if coin(draw, 0.35) else draw.normal(0, 1, count)
    if coin(draw, 0.2):
        shocks = shocks * np.exp(0.7 * standard(decayed(draw.normal(0, 1, count), draw.uniform(0.8, 0.99))))
    if coin(draw, 0.6):
        shocks = decayed(shocks, draw.uniform(0, 0.99) if coin(draw, 0.6) else 1 - 10 ** draw.uniform(-3, -1))
    if coin(draw, 0.15):
        shocks = shocks + draw.uniform(-0.9, 0.9) * np.concatenate([[0.0], shocks[:-1]])
    return standard(shocks)


def draw_modulation(count: int, draw: Draw) -> Array:
    """How a season's amplitude changes along the series."""
    if coin(draw, 0.6):
        return np.ones(count)
    return np.exp(draw.uniform(0.05, 0.5) * standard(decayed(draw.normal(0, 1, count), draw.uniform(0.98, 0.999))))


def decayed(shocks: Array, kept: float) -> Array:
    """Each value is the shock and what is kept of the value before."""
    out, value = np.empty_like(shocks), 0.0
    for t, shock in enumerate(shocks.tolist()):
        value = kept * value + shock
        out[t] = value
    return out


def standard(values: Array) -> Array:
    standard: Array = (values - values.mean()) / (values.std() + 1e-9)
    return standard


def sign(draw: Draw) -> float:
    return 1.0 if coin(draw, 0.5) else -1.0


def coin(draw: Draw, chance: float) -> bool:
    return bool(draw.random() < chance)

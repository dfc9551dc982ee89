"""Kinds of series that users bring, generated from a seed: each kind in several sizes and steps.

Shapes: N rows, S series of one event.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Random = np.random.Generator

MINUTE, HOUR, DAY = 60, 3600, 86_400
"""Seconds."""
SECOND = 1_000_000
"""Microseconds."""
MONTH = 0
"""As a step: calendar months; quarters are every third of them."""
FIRST_TIME = 1_704_067_200
"""Seconds since the epoch: 2024-01-01, a Monday."""


class Kind(NamedTuple):
    """Series of a kind that come together.

    Attributes
    ----------
    step
        Seconds; `MONTH`: calendar months.
    season
        The true one, in steps; 0: there is none.
    values
        (N, S).
    scored
        The row from which on forecasts are scored; -1: after a quarter of the rows.
    relative
        Whether errors are in sizes of the value at the origin, as of what grows without end.
    months
        From one row to the next, where the step is `MONTH`.
    """

    name: str
    step: int
    season: int
    values: Values
    scored: int = -1
    relative: bool = False
    months: int = 1

    @property
    def horizon(self) -> int:
        """The longer horizon that is scored."""
        return 12 if self.step == MONTH else 24

    def times(self) -> npt.NDArray[np.int64]:
        """Microseconds since the epoch, (N,)."""
        count = len(self.values)
        if self.step != MONTH:
            return (FIRST_TIME + self.step * np.arange(count, dtype=np.int64)) * SECOND
        months = np.datetime64("1990-01", "M") + self.months * np.arange(count)
        return np.asarray(months.astype("datetime64[us]").astype(np.int64))


def kinds(seed: int) -> Iterator[Kind]:
    """All kinds."""
    for name, make in KINDS.items():
        digest = sum(ord(letter) * (k + 1) for k, letter in enumerate(name))
        yield make(name, np.random.default_rng([seed, digest]))


Make = Callable[[str, Random], Kind]


def _one(name: str, step: int, season: int, values: npt.ArrayLike, scored: int = -1, relative: bool = False) -> Kind:
    return Kind(name, step, season, np.asarray(values, np.float64)[:, None], scored, relative)


def _profile(random: Random, season: int, count: int, harmonics: int = 3) -> Values:
    """A smooth season of standard deviation 1."""
    angle = 2 * np.pi * np.arange(count) / season
    waves = [random.normal() * np.cos(k * angle + random.uniform(0, 6.28)) / k for k in range(1, harmonics + 1)]
    total = np.sum(waves, 0)
    profile: Values = total / total.std()
    return profile


# Kinds


def spikes(step: int, size: float, count: int = 1500) -> Make:
    """A spike every night, of so many spreads of what lies between."""

    def make(name: str, random: Random) -> Kind:
        day = DAY // step
        values = 20 + random.normal(size=count)
        values[np.arange(count) % day == day // 8] += size * (1 + 0.05 * random.normal())
        return _one(name, step, day, values)

    return make


def waves(step: int, season: int, share: float, noise: float, count: int = 1500) -> Make:
    """On for a share of each season, else off."""

    def make(name: str, random: Random) -> Kind:
        on = np.arange(count) % season < share * season
        return _one(name, step, season, 10.0 * on + noise * random.normal(size=count))

    return make


def demand(step: int, share: float, count: int = 1500) -> Make:
    """Zero, but for a share of the steps."""

    def make(name: str, random: Random) -> Kind:
        sizes = np.ceil(random.lognormal(1.0, 0.6, count))
        return _one(name, step, 0, np.where(random.random(count) < share, sizes, 0.0))

    return make


def born_late(zeros: int, count: int = 800) -> Make:
    """Zeros, and then life."""

    def make(name: str, random: Random) -> Kind:
        life = 50 + 10 * _profile(random, 24, count) + 2 * random.normal(size=count)
        return _one(name, HOUR, 24, np.concatenate([np.zeros(zeros), life]), zeros + 48)

    return make


def growth(step: int, noise: float, season: float, count: int) -> Make:
    """Growth of 5 % a day."""

    def make(name: str, random: Random) -> Kind:
        steps = DAY // step
        wave = season * _profile(random, steps, count) if steps > 1 else 0.0
        grown = np.log(1.05) / steps * np.arange(count) + wave + noise * random.normal(size=count)
        return _one(name, step, steps if steps > 1 else 0, 100 * np.exp(grown), relative=True)

    return make


def counter(step: int, every: int, count: int = 1500) -> Make:
    """A counter that is reset every so many steps, or at random."""

    def make(name: str, random: Random) -> Kind:
        steps = np.arange(count)
        resets = steps % every == 0 if every else random.random(count) < 0.005
        total = np.cumsum(random.poisson(20, count))
        start = np.maximum.accumulate(np.where(resets, steps, 0))
        return _one(name, step, every, total - total[start] + 0.0)

    return make


def saturated(step: int, count: int = 1500) -> Make:
    """A percentage that lies at its cap for much of the day."""

    def make(name: str, random: Random) -> Kind:
        day = DAY // step
        return _one(
            name, step, day, np.clip(90 + 20 * _profile(random, day, count) + 4 * random.normal(size=count), 0, 100)
        )

    return make


def counts(step: int, mean: float, season: float, count: int = 1500) -> Make:
    """Poisson counts."""

    def make(name: str, random: Random) -> Kind:
        day = DAY // step if season and step < DAY else 0
        rate = mean * np.exp(season * _profile(random, day, count)) if day else np.full(count, mean)
        return _one(name, step, day, random.poisson(rate).astype(np.float64))

    return make


def bursts(step: int, decay: float, count: int = 2000) -> Make:
    """Counts that burst: messages a minute."""

    def make(name: str, random: Random) -> Kind:
        sizes = np.where(random.random(count) < 0.02, 30 * (1 + random.pareto(2.0, count)), 0.0)
        rate = np.zeros(count)
        for t in range(1, count):
            rate[t] = decay * rate[t - 1] + min(sizes[t], 2000.0)
        return _one(name, step, 0, random.poisson(3 + rate).astype(np.float64))

    return make


def walk(step: int, count: int = 1500) -> Make:
    """A random walk."""
    return lambda name, random: _one(name, step, 0, 100 + np.cumsum(random.normal(size=count)))


def noise(step: int, count: int = 1500) -> Make:
    """White noise."""
    return lambda name, random: _one(name, step, 0, 5 + random.normal(size=count))


def moves(share: float, step: int = HOUR, count: int = 1500) -> Make:
    """Constant, but for rare moves to another level."""

    def make(name: str, random: Random) -> Kind:
        moved = random.random(count) < share
        return _one(name, step, 0, 20 + np.cumsum(moved * np.round(4 * random.normal(size=count))))

    return make


def stale(step: int, count: int = 1800) -> Make:
    """A season, with one value a week that repeats the one before."""

    def make(name: str, random: Random) -> Kind:
        day = DAY // step
        values = 30 + 5 * _profile(random, day, count) + 0.3 * random.normal(size=count)
        for t in range(7 * day - 9, count, 7 * day):
            values[t] = values[t - 1]
        return _one(name, step, day, values)

    return make


def seasonal(step: int, season: int, noise: float, count: int = 1800, harmonics: int = 4) -> Make:
    """A season that is no calendar's."""

    def make(name: str, random: Random) -> Kind:
        values = _profile(random, season, count, harmonics) + noise * random.normal(size=count)
        return _one(name, step, season, 10 + 3 * values)

    return make


def drifting(step: int, faster: float, count: int = 1800) -> Make:
    """A season whose length is a little off, or wanders."""

    def make(name: str, random: Random) -> Kind:
        day = DAY // step
        speed = 1 + faster + 0.02 * np.cumsum(random.normal(size=count)) / np.sqrt(count)
        angle = 2 * np.pi * np.cumsum(speed) / day
        shape = np.cos(angle) + 0.5 * np.cos(2 * angle + 1)
        return _one(name, step, day, 10 + 3 * shape + 0.5 * random.normal(size=count))

    return make


def calendar(months: int, count: int) -> Make:
    """Monthly or quarterly values with a year's season and a trend."""

    def make(name: str, random: Random) -> Kind:
        year = 12 // months
        level = 100 + 0.4 * np.arange(count) + np.cumsum(random.normal(size=count))
        values = level + 10 * _profile(random, year, count) + 2 * random.normal(size=count)
        return Kind(name, MONTH, year, values[:, None], months=months)

    return make


def leading(lag: int, series: int = 4, count: int = 1500) -> Make:
    """A group in which one series leads the others by some steps."""

    def make(name: str, random: Random) -> Kind:
        leader = np.zeros(count + lag)
        for t in range(1, count + lag):
            leader[t] = 0.9 * leader[t - 1] + random.normal()
        others = [leader[:-lag] * (1 + 0.5 * k) + 0.3 * random.normal(size=count) for k in range(series - 1)]
        return Kind(name, HOUR, 0, np.stack([leader[lag:], *others], 1))

    return make


KINDS: dict[str, Make] = {
    **{f"nightly spike x{size}, 1 h": spikes(HOUR, size) for size in (3, 10, 30, 100, 500)},
    "nightly spike x30, 15 min": spikes(15 * MINUTE, 30, 2400),
    "nightly spike x500, 15 min": spikes(15 * MINUTE, 500, 2400),
    "square wave of a day, 1 h": waves(HOUR, 24, 0.5, 0.3),
    "square wave of a day, no noise, 1 h": waves(HOUR, 24, 0.5, 0.0),
    "on 10 % of a day, 15 min": waves(15 * MINUTE, 96, 0.1, 0.2, 2400),
    "on/off of 10 steps, 1 min": waves(MINUTE, 10, 0.5, 0.2),
    "on/off of 34 steps, 1 min": waves(MINUTE, 34, 0.5, 0.2),
    **{f"demand of {round(100 * share)} %, 1 d": demand(DAY, share) for share in (0.01, 0.05, 0.2, 0.6)},
    "demand of 20 %, 1 h": demand(HOUR, 0.2),
    "200 zeros, then life, 1 h": born_late(200),
    "500 zeros, then life, 1 h": born_late(500),
    "growth of 5 % a day, 1 d": growth(DAY, 0.02, 0.0, 600),
    "growth of 5 % a day, smooth, 1 d": growth(DAY, 0.001, 0.0, 600),
    "growth of 5 % a day, 1 h": growth(HOUR, 0.02, 0.2, 2000),
    "counter, reset every day, 1 h": counter(HOUR, 24),
    "counter, reset at random, 1 min": counter(MINUTE, 0),
    "saturation at a cap, 1 h": saturated(HOUR),
    "saturation at a cap, 15 min": saturated(15 * MINUTE, 2400),
    "counts of .5, 1 h": counts(HOUR, 0.5, 0.0),
    "counts of 4 by the day, 1 h": counts(HOUR, 4.0, 0.6),
    "counts of 300 by the day, 1 h": counts(HOUR, 300.0, 0.6),
    "bursts of counts, 1 min": bursts(MINUTE, 0.6),
    "bursts of counts, slow, 5 min": bursts(5 * MINUTE, 0.9),
    "random walk, 1 h": walk(HOUR),
    "random walk, 1 d": walk(DAY),
    "white noise, 1 min": noise(MINUTE),
    "white noise, 1 h": noise(HOUR),
    "constant, moves of 1 %, 1 h": moves(0.01),
    "constant, moves of 5 %, 1 d": moves(0.05, DAY),
    "one stale value a week, 1 h": stale(HOUR),
    "season of 17 steps, 1 h": seasonal(HOUR, 17, 0.3),
    "season of 50 steps, 1 h": seasonal(HOUR, 50, 0.3),
    "season of 50 steps, 1 min": seasonal(MINUTE, 50, 0.3),
    "season of 400 steps, 1 h": seasonal(HOUR, 400, 0.3, 3000),
    "season that drifts, 1 h": drifting(HOUR, 0.02),
    "season that drifts, 15 min": drifting(15 * MINUTE, 0.01, 2400),
    "monthly": calendar(1, 240),
    "quarterly": calendar(3, 120),
    "one leads three by 1, 1 h": leading(1),
    "one leads three by 3, 1 h": leading(3),
}
SHORT = tuple(range(5, 51, 3))
"""Lengths of series that are short."""


def short(seed: int) -> Iterator[Kind]:
    """Series of five to fifty values, each of a bank of its own."""
    for length in SHORT:
        random = np.random.default_rng([seed, length])
        for name, season in (("level", 0), ("season", 7), ("walk", 0)):
            values = 10 + random.normal(size=length)
            if name == "season":
                values = 10 + 3 * _profile(random, 7, length) + 0.5 * random.normal(size=length)
            elif name == "walk":
                values = 10 + np.cumsum(random.normal(size=length))
            yield _one(f"five to fifty values: {name}", DAY, season, values, 3)

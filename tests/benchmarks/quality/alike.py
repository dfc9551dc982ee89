"""A series that joins many of its kind, beside a bank of its own and naive forecasts.

Letters: S series, J of them joining, T hours, H horizons.
"""

import msgspec
import numpy as np

from lstm_stream import ANY_GAP, Bank, Forecasts, Hyperparameters
from pipeline.evaluation.actuals import Floats
from pipeline.evaluation.baselines import SeasonalNaive
from tests.benchmarks.quality.markdown import grid, verdict
from tests.benchmarks.quality.workers import Start

BAR = 0.8
DAY = 24
HORIZONS = (1, DAY)
HOUR = 3_600_000_000
NOISE = 0.2
"""Standard deviation, over the amplitude."""


class Family(msgspec.Struct, frozen=True):
    """Hourly series of one daily shape, each with its own level, scale, phase and noise.

    Attributes
    ----------
    old, age
        How many there are, and for how many hours.
    joining, first
        How many join at once, and for how many of their events they are scored.
    seed
        Of all that is random.
    """

    old: int = 200
    age: int = 300
    joining: int = 10
    first: int = 100
    seed: int = 0


class Alike(msgspec.Struct, frozen=True):
    """MSE of the joining series by horizon, in units of their own standard deviations; ours over the best other's."""

    ratio: dict[int, float]
    ours: dict[int, float]
    own_bank: dict[int, float]
    last_value: dict[int, float]
    seasonal_naive: dict[int, float]

    def markdown(self) -> str:
        """Ratios, and a row a forecaster."""
        ratios = [f"- H = {h}: MSE over the best other {verdict(ratio, BAR)}" for h, ratio in self.ratio.items()]
        named = {
            "joined the bank": self.ours,
            "a bank of its own": self.own_bank,
            "last value": self.last_value,
            "seasonal naive": self.seasonal_naive,
        }
        rows = ([name, *(f"{mse:.4f}" for mse in by_horizon.values())] for name, by_horizon in named.items())
        return "\n".join(ratios) + "\n\n" + grid(["MSE", *(f"H = {h}" for h in self.ours)], rows)


def alike(family: Family, start: Start) -> Alike:
    """Let series join a bank, and be alone."""
    return start(measured, family).result()


def measured(family: Family) -> Alike:
    """MSE of all forecasters."""
    values = generated(family)  # (S, T)
    came = values[family.old :, family.age :]  # (J, T)
    shown = came[:, : family.first]
    ours = _mse(_joined(values, family), came)
    others = {
        "own_bank": _mse(np.stack([_observed(_bank(), one[None], family.age).mean for one in shown]), came),
        "last_value": _mse(_naive(shown, 1), came),
        "seasonal_naive": _mse(_naive(shown, DAY), came),
    }
    ratio = {h: ours[h] / min(other[h] for other in others.values()) for h in HORIZONS}
    return Alike(ratio, ours, **others)


def generated(family: Family) -> Floats:
    """Values (S, T) of the old series, then of those that join, which have none before."""
    generator = np.random.default_rng(family.seed)
    count, hours = family.old + family.joining, family.age + family.first + DAY
    phase, level = generator.uniform(0, DAY, (count, 1)), generator.uniform(-50, 50, (count, 1))
    scale = np.exp(generator.normal(size=(count, 1)))
    noise = generator.normal(size=(count, hours))
    values: Floats = level + scale * (_shape(np.arange(hours) + phase) + NOISE * noise)
    values[family.old :, : family.age] = np.nan
    return values


def _shape(hours: Floats) -> Floats:
    """Of a day; its amplitude is about 1."""
    angle = 2 * np.pi * hours / DAY
    shape: Floats = (np.sin(angle) + 0.5 * np.sin(2 * angle + 1.0) + 0.25 * np.sin(3 * angle + 2.0)) / 1.35
    return shape


def _bank() -> Bank:
    return Bank(Hyperparameters(horizon=DAY, step="event", max_gap=ANY_GAP))


def _joined(values: Floats, family: Family) -> Floats:
    """Means (J, T, H) of the series that join a bank of the others."""
    bank, join = _bank(), family.age
    _observed(bank, values[: family.old, :join], 0)
    means = _observed(bank, values[:, join : join + family.first], join).mean
    return means.reshape(len(values), family.first, DAY)[family.old :]


def _observed(bank: Bank, values: Floats, hour: int) -> Forecasts:
    """Show values (S, T) from an hour on, all series of one hour after each other; forecasts by series."""
    series, hours = values.shape
    names = [f"series-{index:03d}" for index in range(series)] * hours
    times = np.repeat(hour + np.arange(hours), series) * HOUR
    forecasts = bank.observe(names, times, values.T.ravel())
    return forecasts.take(np.arange(series * hours).reshape(hours, series).T.ravel())


def _naive(values: Floats, season: int) -> Floats:
    naive = SeasonalNaive(DAY, season)
    return np.stack([naive.observe(np.full(values.shape[1], index), own) for index, own in enumerate(values)])


def _mse(means: Floats, came: Floats) -> dict[int, float]:
    """Of forecasts (J, T, H) from the first T values."""
    ahead = np.arange(means.shape[1])[:, None] + np.arange(1, DAY + 1)  # (T, H)
    unit = came.std(1)[:, None, None]
    squares = ((means - came[:, ahead]) / unit) ** 2  # (J, T, H)
    return {h: float(squares[:, :, :h].mean()) for h in HORIZONS}

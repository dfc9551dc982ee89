"""A log of observations, and forecasts as bytes to compare."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lstm_stream import Bank, Forecasts

MINUTE = 60_000_000


class Log:
    """A log of observations of several series, with gaps, late ones, repeats and missing values."""

    def __init__(self, seed: int, length: int, series: int = 12) -> None:
        generator = np.random.default_rng(seed)
        self.series = [f"s{i}" for i in generator.integers(0, series, length)]
        steps = np.cumsum(generator.choice([0, 1, 1, 1, 1, 2, 5, 40], length))
        late = np.where(generator.random(length) < 0.05, generator.integers(0, 50, length), 0)
        self.times = (steps - late + 50) * MINUTE
        self.values = np.sin(steps / 7) + generator.normal(size=length) / 5
        self.values[generator.random(length) < 0.05] = np.nan
        self.values[generator.random(length) < 0.01] = 1e12

    def part(self, begin: int, end: int) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        return self.series[begin:end], self.times[begin:end], self.values[begin:end]


def observed(bank: Bank, log: Log, cuts: list[int]) -> list[bytes]:
    """Each observation's forecast as bytes, the log given to the bank in parts."""
    edges = [0, *sorted(cuts), len(log.series)]
    return [row for begin, end in pairwise(edges) for row in as_bytes(bank.observe(*log.part(begin, end)))]


def as_bytes(forecasts: Forecasts) -> list[bytes]:
    return [b"".join(np.asarray(column[i]).tobytes() for column in forecasts) for i in range(len(forecasts.origin))]

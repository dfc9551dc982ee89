"""A generated fleet for the demo: hourly series that resemble each other, with seasons, drift and level shifts.

The same seed gives the same values, and the fleet never ends.

Shapes: S series, N steps.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from lstm_stream import Observation

Floats = npt.NDArray[np.float64]

SERIES = 50
START = int(datetime(2000, 1, 3, tzinfo=UTC).timestamp()) * 1_000_000  # a Monday
HOUR = 3_600_000_000
DAY, WEEK = 24, 168  # steps
BLOCK = 1024  # steps whose noise is drawn together
NOISE = 0.08  # of a series' scale


class Fleet:
    """Series of the same kind, each with its own level, scale, phase, drift and level shift.

    Parameters
    ----------
    series
        How many, S.
    seed
        Of everything that is drawn.

    Examples
    --------
    >>> first = next(Fleet(series=2).observations())
    >>> first.series, first.time == START
    ('fleet/00', True)
    """

    def __init__(self, series: int = SERIES, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self.names = tuple(f"fleet/{index:02d}" for index in range(series))
        self._seed = seed
        self._level = 10 ** draw.uniform(1, 3, series)  # (S,) and so are all below
        self._scale = self._level * draw.uniform(0.1, 0.4, series)
        self._phase = draw.uniform(-3, 3, series)
        self._morning = draw.uniform(0.3, 0.8, series)
        self._weekend = draw.uniform(0.3, 0.7, series)
        self._wander = draw.uniform(20, 60, series) * DAY
        self._shift = draw.choice([-1.5, 1.5], series)
        self._shift_at = draw.integers(5 * DAY, 25 * DAY, series)

    def observations(self) -> Iterator[Observation]:
        """Step by step, each series once a step, for ever."""
        step = 0
        while True:
            for values in self.values(step, BLOCK).tolist():
                time = START + step * HOUR
                yield from map(Observation, self.names, [time] * len(values), values)
                step += 1

    def values(self, first: int, count: int) -> Floats:
        """The values of steps first .. first + count - 1; ``first`` is a multiple of `BLOCK`.

        Returns
        -------
        (N, S)
        """
        step = np.arange(first, first + count)[:, np.newaxis]
        noise = np.random.default_rng((self._seed, first // BLOCK)).normal(0, NOISE, (count, len(self.names)))
        return self._level + self._scale * (self._season(step) + self._drift(step) + noise)

    def _season(self, step: npt.NDArray[np.int64]) -> Floats:
        """A day with two peaks, the morning's lower, and quieter weekends."""
        angle = 2 * np.pi * (step - self._phase) / DAY
        day = -np.cos(angle) - self._morning * np.cos(2 * angle + 1)
        return np.where(step % WEEK < 5 * DAY, day, self._weekend * day)

    def _drift(self, step: npt.NDArray[np.int64]) -> Floats:
        wander = np.sin(2 * np.pi * step / self._wander)
        return wander + np.where(step >= self._shift_at, self._shift, 0)

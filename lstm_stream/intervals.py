"""What came against what was forecast: the quantiles of each series' own errors.

Letters: S series, N rows of a round, H horizons, L quantile levels.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats

KEPT_ERRORS = 128
"""One-step errors kept of a series, to tell how surprising the next one is."""
WARM = 64
"""One-step errors that must have come before a series is called warm."""
LARGEST_ERROR = 50.0
"""In spreads: what is further out counts as this."""
RATE = 0.08
"""How far a quantile moves on one error, in mean absolute errors of its horizon."""
SPAN = 200
"""Memory of the mean absolute error, in errors."""
REACH_SPAN = 1000
MOST_HALF = 6e4
"""Near the largest number in half precision."""
OUTLIER = 10.0
"""In spreads: a move further than this counts as this."""


@dataclass
class Intervals(Columns):
    """Open forecasts of each series, and the quantiles of what became of those before.

    A quantile follows the errors by gradient steps on the pinball loss, which is what makes its share right in
    the long run whatever the errors do (Gibbs and Candès 2021, "Adaptive conformal inference under distribution
    shift"; Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control", the quantile tracker). Errors are in
    the series' own unit.
    """

    newest: Floats  # (S, H) mean minus the origin's value, of the newest forecast
    moves: npt.NDArray[np.float16]  # (S, H, H) the same in the origin's spreads; forecast of step t at t % H
    origin_value: Floats  # (S, H) the ring's value at the origin
    origin_spread: Floats  # (S, H)
    reach: Floats  # (S, H) how far values move in so many steps, mean absolute, in spreads
    size: Floats  # (S, H) mean absolute error
    cut: Floats  # (S, H, L) quantiles of the error over its mean size, beyond the normal distribution's
    errors: npt.NDArray[np.float16]  # (S, 128) last absolute one-step errors, each over their mean size of its time
    scored: npt.NDArray[np.int64]  # (S,) one-step errors so far
    absolute: Floats  # (S, 2) mean absolute one-step error: the model's, the last value's

    @classmethod
    def empty(cls, horizon: int, levels: int) -> "Intervals":
        """The intervals of no series."""
        single = np.float32
        return cls(
            newest=np.zeros((0, horizon), single),
            moves=np.zeros((0, horizon, horizon), np.float16),
            origin_value=np.zeros((0, horizon), single),
            origin_spread=np.zeros((0, horizon), single),
            reach=np.zeros((0, horizon), single),
            size=np.zeros((0, horizon), single),
            cut=np.zeros((0, horizon, levels), single),
            errors=np.zeros((0, KEPT_ERRORS), np.float16),
            scored=np.zeros(0, np.int64),
            absolute=np.zeros((0, 2), single),
        )

    def score(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats, levels: tuple[float, ...]) -> Floats:
        """Learn from what came at these steps; returns the surprise (N,), NaN while warming."""
        horizon = self.size.shape[1]
        ahead = np.arange(1, horizon + 1)
        each, origin = rows[:, None], (step[:, None] - ahead) % horizon  # (N, H)
        unit = self.origin_spread[each, origin]
        there = (step[:, None] >= ahead) & (unit > 0)
        moved = value[:, None] - self.origin_value[each, origin]
        bound = np.float32(LARGEST_ERROR) * unit
        told = self.moves[each, origin, ahead - 1].astype(np.float32) * unit
        error = np.clip(moved - told, -bound, bound)
        seen = np.maximum(step[:, None] - ahead, 0)  # errors of each horizon so far
        surprise = self._surprise(rows, error[:, 0], np.clip(moved[:, 0], -bound[:, 0], bound[:, 0]), there[:, 0])
        self._follow(rows, error, unit, there, seen, levels)
        return surprise

    def lengthen(self, rows: Rows, step: npt.NDArray[np.int64], moved: Floats, spread: Floats) -> None:
        """Learn how far values move from how far these lie from the last H origins (N, H), NaN where not known."""
        before = self.reach[rows]
        seen = np.maximum(step[:, None] - np.arange(before.shape[1]), 1)  # moves over so many steps so far
        weight = (1.0 / np.minimum(seen, REACH_SPAN)).astype(np.float32)
        far = np.minimum(np.abs(moved) / spread[:, None], np.float32(OUTLIER))
        self.reach[rows] = np.where(np.isnan(moved), before, before + weight * (far - before))

    def _follow(
        self,
        rows: Rows,
        error: Floats,
        unit: Floats,
        there: npt.NDArray[np.bool_],
        seen: npt.NDArray[np.int64],
        levels: tuple[float, ...],
    ) -> None:
        before = np.where(self.size[rows] > 0, self.size[rows], unit)  # the first size is a guess
        weight = (1.0 / np.minimum(seen + 2, SPAN)).astype(np.float32)
        self.size[rows] = np.where(there, before + weight * (np.abs(error) - before), self.size[rows])
        above = error[:, :, None] > before[:, :, None] * self._cuts(rows, levels)  # (N, H, L)
        pull = np.where(above, levels, np.subtract(levels, 1.0)).astype(np.float32)
        self.cut[rows] += np.where(there[:, :, None], np.float32(RATE) * pull, np.float32(0.0))

    def _cuts(self, rows: Rows, levels: tuple[float, ...]) -> Floats:
        cuts: Floats = normal_quantiles(levels) + self.cut[rows]
        return cuts

    def _surprise(self, rows: Rows, error: Floats, moved: Floats, there: npt.NDArray[np.bool_]) -> Floats:
        """How many of the errors kept are smaller, each over the mean size of its time."""
        surprise = np.full(len(rows), np.nan, np.float32)
        rows, error, moved = rows[there], np.abs(error[there]), np.abs(moved[there])
        unit = np.where(self.size[rows, 0] > 0, self.size[rows, 0], np.float32(1.0))
        kept = np.minimum(self.scored[rows], KEPT_ERRORS)
        below = (self.errors[rows] < (error / unit)[:, None]) & (np.arange(KEPT_ERRORS) < kept[:, None])
        surprise[there] = np.where(kept >= WARM, below.sum(1) / np.maximum(kept, 1), np.nan)
        self._keep(rows, np.minimum(error / unit, MOST_HALF), np.stack([error, moved], 1))
        return surprise

    def _keep(self, rows: Rows, error: Floats, sizes: Floats) -> None:
        self.errors[rows, self.scored[rows] % KEPT_ERRORS] = error
        self.scored[rows] += 1
        weight = (1.0 / np.minimum(self.scored[rows], SPAN)).astype(np.float32)
        self.absolute[rows] += weight[:, None] * (sizes - self.absolute[rows])

    def moved(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats) -> tuple[Floats, Floats]:
        """How far these values lie from each of the last H origins (N, H), and the spreads of then; in these.

        NaN and 1 where there was no origin.
        """
        ahead = np.arange(1, self.size.shape[1] + 1)
        slot = (step[:, None] - ahead) % len(ahead)
        unit = self.origin_spread[rows[:, None], slot]
        there = (step[:, None] >= ahead) & (unit > 0)
        unit = np.where(there, unit, np.float32(1.0))
        moved = (value[:, None] - self.origin_value[rows[:, None], slot]) / unit
        return np.where(there, moved, np.float32(np.nan)), unit

    def open(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats, spread: Floats, moves: Floats) -> None:
        """Remember forecasts (N, H) made at these steps, to be scored as their horizons come."""
        slot = step % self.size.shape[1]
        self.newest[rows] = moves
        self.moves[rows, slot] = np.clip(moves / spread[:, None], -MOST_HALF, MOST_HALF)
        self.origin_value[rows, slot] = value
        self.origin_spread[rows, slot] = spread

    def reaches(self, rows: Rows, spread: Floats) -> Floats:
        """How far the values of these series move in up to 1..H steps, (N, H), never zero and never falling.

        It follows the spread of now. That it does not fall where a season comes round keeps the steps between in
        proportion.
        """
        reach = self.reach[rows]
        in_spreads = np.where(reach > 0, np.maximum(reach, np.float32(1e-3)), np.float32(1.0))
        furthest: Floats = np.maximum.accumulate(in_spreads, 1) * spread[:, None]
        return furthest

    def quantiles(self, rows: Rows, spread: Floats, levels: tuple[float, ...]) -> Floats:
        """Quantiles of the error to come, (N, H, L), in order."""
        size = np.where(self.size[rows] > 0, self.size[rows], spread[:, None])
        return np.sort(size[:, :, None] * self._cuts(rows, levels), 2)


def normal_quantiles(levels: tuple[float, ...]) -> Floats:
    """Quantiles (L,) of normal errors whose mean absolute size is 1."""
    return np.asarray([1.2533 * NormalDist().inv_cdf(level) for level in levels], np.float32)

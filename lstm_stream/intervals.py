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
OUTLIER = 10.0
"""In spreads: a move further than this counts as this."""


@dataclass
class Intervals(Columns):
    """Open forecasts of each series, and the quantiles of what became of those before.

    A quantile follows the errors by gradient steps on the pinball loss, which is what makes its share right in
    the long run whatever the errors do (Gibbs and Candès 2021, "Adaptive conformal inference under distribution
    shift"; Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control", the quantile tracker). All errors
    are in spreads of the forecast's origin.
    """

    outputs: Floats  # (S, H, H) mean minus origin's value, in spreads; forecast of step t at t % H
    origin_value: Floats  # (S, H) the ring's value at the origin
    origin_spread: Floats  # (S, H)
    reach: Floats  # (S, H) how far values move in so many steps, mean absolute, in the series' own unit
    size: Floats  # (S, H) mean absolute error
    cut: Floats  # (S, H, L) quantiles of the error over its mean size, beyond the normal distribution's
    errors: Floats  # (S, 128) last absolute one-step errors
    scored: npt.NDArray[np.int64]  # (S,) one-step errors so far
    absolute: Floats  # (S, 2) mean absolute one-step error: the model's, the last value's

    @classmethod
    def empty(cls, horizon: int, levels: int) -> "Intervals":
        """The intervals of no series."""
        single = np.float32
        return cls(
            outputs=np.zeros((0, horizon, horizon), single),
            origin_value=np.zeros((0, horizon), single),
            origin_spread=np.zeros((0, horizon), single),
            reach=np.zeros((0, horizon), single),
            size=np.zeros((0, horizon), single),
            cut=np.zeros((0, horizon, levels), single),
            errors=np.zeros((0, KEPT_ERRORS), single),
            scored=np.zeros(0, np.int64),
            absolute=np.zeros((0, 2), single),
        )

    def score(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats, levels: tuple[float, ...]) -> Floats:
        """Learn from what came at these steps; returns the surprise (N,), NaN while warming."""
        horizon = self.size.shape[1]
        ahead = np.arange(1, horizon + 1)
        origin = (step[:, None] - ahead) % horizon  # (N, H)
        each = rows[:, None]
        spread = self.origin_spread[each, origin]
        there = (step[:, None] >= ahead) & (spread > 0)
        moved = (value[:, None] - self.origin_value[each, origin]) / np.where(there, spread, 1.0)
        error = np.clip(moved - self.outputs[each, origin, ahead - 1], -LARGEST_ERROR, LARGEST_ERROR)
        seen = np.maximum(step[:, None] - ahead, 0)  # errors of each horizon so far
        self._stretch(rows, np.minimum(np.abs(moved), OUTLIER) * spread, there, seen)
        self._follow(rows, np.where(there, error, np.nan).astype(np.float32), seen, levels)
        return self._surprise(rows[there[:, 0]], error[there[:, 0], 0], moved[there[:, 0], 0], there[:, 0])

    def _follow(self, rows: Rows, error: Floats, seen: npt.NDArray[np.int64], levels: tuple[float, ...]) -> None:
        there = ~np.isnan(error)
        before = self._sizes(rows)
        weight = 1.0 / np.minimum(seen + 2, SPAN)  # the first size is a guess of one spread
        size = before + weight.astype(np.float32) * (np.abs(error) - before)
        self.size[rows] = np.where(there, size, self.size[rows])
        above = error[:, :, None] > before[:, :, None] * self._cuts(rows, levels)  # (N, H, L)
        pull = np.where(above, levels, np.subtract(levels, 1.0)).astype(np.float32)
        self.cut[rows] += np.where(there[:, :, None], np.float32(RATE) * pull, np.float32(0.0))

    def _stretch(self, rows: Rows, moved: Floats, there: npt.NDArray[np.bool_], seen: npt.NDArray[np.int64]) -> None:
        weight = 1.0 / np.minimum(seen + 1, REACH_SPAN)
        before = self.reach[rows]
        reach = before + weight.astype(np.float32) * (moved - before)
        self.reach[rows] = np.where(there, reach, before)

    def reaches(self, rows: Rows, spread: Floats) -> Floats:
        """How far the values of these series move in 1..H steps, (N, H), never zero; their unit is the series'."""
        reach = self.reach[rows]
        return np.where(reach > 0, np.maximum(reach, np.float32(1e-3) * spread[:, None]), spread[:, None])

    def _sizes(self, rows: Rows) -> Floats:
        size = self.size[rows]
        return np.where(size > 0, size, np.float32(1.0))

    def _cuts(self, rows: Rows, levels: tuple[float, ...]) -> Floats:
        cuts: Floats = normal_quantiles(levels) + self.cut[rows]
        return cuts

    def _surprise(self, rows: Rows, error: Floats, moved: Floats, there: npt.NDArray[np.bool_]) -> Floats:
        size = np.abs(error).astype(np.float32)
        kept = np.minimum(self.scored[rows], KEPT_ERRORS)
        below = (self.errors[rows] < size[:, None]) & (np.arange(KEPT_ERRORS) < kept[:, None])
        rank = below.sum(1) / np.maximum(kept, 1)
        self._keep(rows, size, np.abs(np.clip(moved, -LARGEST_ERROR, LARGEST_ERROR)).astype(np.float32))
        surprise = np.full(len(there), np.nan, np.float32)
        surprise[there] = np.where(kept >= WARM, rank, np.nan)
        return surprise

    def _keep(self, rows: Rows, size: Floats, last_value: Floats) -> None:
        self.errors[rows, self.scored[rows] % KEPT_ERRORS] = size
        self.scored[rows] += 1
        weight = np.float32(1.0) / np.minimum(self.scored[rows], SPAN)
        both = np.stack([size, last_value], 1)
        self.absolute[rows] += weight[:, None].astype(np.float32) * (both - self.absolute[rows])

    def open(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats, spread: Floats, output: Floats) -> None:
        """Remember forecasts (N, H) made at these steps, to be scored as their horizons come."""
        slot = step % self.size.shape[1]
        self.outputs[rows, slot] = output
        self.origin_value[rows, slot] = value
        self.origin_spread[rows, slot] = spread

    def quantiles(self, rows: Rows, levels: tuple[float, ...]) -> Floats:
        """Quantiles of the error to come, (N, H, L), in spreads; in order."""
        return np.sort(self._sizes(rows)[:, :, None] * self._cuts(rows, levels), 2)


def normal_quantiles(levels: tuple[float, ...]) -> Floats:
    """Quantiles (L,) of normal errors whose mean absolute size is 1."""
    return np.asarray([1.2533 * NormalDist().inv_cdf(level) for level in levels], np.float32)

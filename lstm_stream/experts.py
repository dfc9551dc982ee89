"""Who has a say in the forecast.

Letters: S series, N rows of a round, E experts, H horizons, B seasons back.
"""

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.memory import SEASONS, Memory
from lstm_stream.network import Floats

LEVEL_WEIGHTS = (0.1, 0.3, 0.6)
"""Of simple exponential smoothing."""
TREND = (0.8, 0.2, 0.8)
"""Weights of level and trend, and damping, in Holt's linear trend (Gardner and McKenzie 1985)."""
BACK = 4
"""Seasons that a profile is the mean of."""
CALM = 4
"""How far a value lies off its profile fades to 1/e in this part of a season."""


class Expert(IntEnum):
    """In the order of the mixture's weights."""

    LSTM = 0
    """The head of the network."""
    READOUT_ON_HIDDEN = auto()
    """A readout of the series' own on x and h."""
    SHARED_ON_HIDDEN = auto()
    """One on x and h with the weights best for all series."""
    SHARED_ON_ALL = auto()
    """One on last values, x and h with the weights best for all series."""
    READOUT = auto()
    """A readout of the series' own on x."""
    SHARED = auto()
    """One on x with the weights best for all series."""
    SHARED_ON_LAGS = auto()
    """One on last values and x with the weights best for all series."""
    LAST_VALUE = auto()
    SEASONAL_SHORT = auto()
    """The value a season (a day) before."""
    PROFILE_SHORT = auto()
    """The mean way from here on in the last seasons."""
    PROFILE_SHORT_FADING = auto()
    """Back to the mean of the last seasons at this time of the season."""
    SEASONAL_LONG = auto()
    """The value a longer season (a week) before."""
    PROFILE_LONG = auto()
    PROFILE_LONG_FADING = auto()
    LEVEL_SLOW = auto()
    """Simple exponential smoothing."""
    LEVEL = auto()
    LEVEL_FAST = auto()
    TREND = auto()
    """Damped trend."""
    GROUP = auto()
    """What `SHARED_ON_LAGS` says, corrected by what the other series of the same events did."""


OF_THE_LSTM = slice(Expert.LSTM, Expert.SHARED_ON_ALL + 1)


def assumed_losses(scored: int) -> Floats:
    """Losses (E, K) in squared reaches that are assumed before there are any: those that fit something start even."""
    losses = np.full((len(Expert), scored), 2.5, np.float32)
    losses[: Expert.LAST_VALUE + 1] = 1.6
    return losses


@dataclass
class Smoothers(Columns):
    """Levels of each series, and one with a trend, of the ring's values."""

    levels: Floats  # (S, 3)
    trend: Floats  # (S, 2) level, trend

    @classmethod
    def empty(cls) -> "Smoothers":
        """The smoothers of no series."""
        single = np.float32
        return cls(np.zeros((0, len(LEVEL_WEIGHTS)), single), np.zeros((0, 2), single))

    def follow(self, rows: Rows, value: Floats) -> None:
        """Take the newest value (N,) of each of these series."""
        weights = np.asarray(LEVEL_WEIGHTS, np.float32)
        self.levels[rows] += weights * (value[:, None] - self.levels[rows])
        own, slope, damping = np.asarray(TREND, np.float32)
        level, trend = self.trend[rows, 0], damping * self.trend[rows, 1]
        off = value - (level + trend)
        self.trend[rows] = np.stack([level + trend + own * off, trend + own * slope * off], 1)

    def moves(self, rows: Rows, value: Floats, horizon: int) -> Floats:
        """How far values will move by the experts from `LEVEL_SLOW` to `TREND`, (N, 4, H)."""
        start = np.concatenate([self.levels[rows], self.trend[rows, :1]], 1) - value[:, None]  # (N, 4)
        moves = np.repeat(start[:, :, None], horizon, 2)
        moves[:, -1] += self.trend[rows, 1:] * np.cumsum(TREND[2] ** np.arange(1, horizon + 1)).astype(np.float32)
        return moves


def seasonal_moves(rows: Rows, memory: Memory, horizon: int) -> Floats:
    """How far values will move by the experts from `SEASONAL_SHORT` to `PROFILE_LONG_FADING`, (N, 6, H).

    NaN where the series has no such season, or is too young for it.
    """
    _, value = memory.newest(rows)
    both = np.repeat(rows, 2)
    moves = _of_season(both, memory, np.repeat(value, 2), memory.lags[rows][:, SEASONS].ravel(), horizon)
    return moves.reshape(len(rows), -1, horizon)


def _of_season(rows: Rows, memory: Memory, value: Floats, season: npt.NDArray[np.int64], horizon: int) -> Floats:
    """Moves (N, 3, H) by the value a season before, by the profile from here on, and by the way back to the profile."""
    length = np.maximum(season, 1)
    kept = np.minimum(memory.age[rows], memory.ring.shape[1])
    seasons = np.where(season > 0, np.minimum((kept - 1) // length, BACK), 0)  # (N,)
    ahead = np.arange(1, horizon + 1)
    lag = np.concatenate([length[:, None], -ahead % length[:, None]], 1)  # (N, 1 + H) a season before now, and ahead
    lags = lag[:, None] + (np.arange(BACK) * length[:, None])[:, :, None]  # (N, B, 1 + H)
    there = np.arange(BACK) < seasons[:, None]
    before = memory.look_back(rows, lags) * there[:, :, None]
    profile = before.sum(1) / np.maximum(seasons, 1).astype(np.float32)[:, None]
    profile[seasons == 0] = np.nan
    latest = np.where(seasons > 0, np.float32(0.0), np.float32(np.nan))[:, None] + before[:, 0, 1:]
    off = (value - profile[:, 0])[:, None]
    calm = np.exp(-ahead * np.float32(CALM) / length[:, None].astype(np.float32))
    onward = profile[:, 1:] - profile[:, :1]
    return np.stack([latest - value[:, None], onward, onward - off * (np.float32(1.0) - calm)], 1)

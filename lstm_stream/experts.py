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

LEVEL_WEIGHTS = (0.1, 0.6)
"""Of simple exponential smoothing."""
MOMENTUM = 0.5
"""What is left of the last move at the next step."""
REVERTING = 6.0
"""Steps in which how far a value lies off its level fades to 1/e."""
TREND = (0.8, 0.2, 0.8)
"""Weights of level and trend, and damping, in Holt's linear trend (Gardner and McKenzie 1985)."""
BACK = 4
"""Seasons that a profile is the mean of."""
CALM_SHORT, CALM_LONG = 4.0, 2.0
"""How far a value lies off its profile fades to 1/e in this part of the shorter season."""
DOUBLE = ((0.5, 2.0), (0.7, 1.0))
"""How much of what a value lay off the longer season's profile is there again a shorter season later, and the part of
that season in which the rest of it fades to 1/e."""


class Expert(IntEnum):
    """In the order of the mixture's weights."""

    LAST_VALUE = 0
    SHARED_ON_LAGS = auto()
    """A readout on last values and what x tells of the series itself, with the weights best for all series."""
    SEASONAL_SHORT = auto()
    """The value a season (a day) before."""
    PROFILE_SHORT_FADING = auto()
    """Back to the mean of the last seasons at this time of the season."""
    SEASONAL_LONG = auto()
    """The value a longer season (a week) before."""
    PROFILE_LONG_FADING = auto()
    DOUBLE_SEASONAL = auto()
    """The profile of the longer season, off it by as much as a shorter one before and as now."""
    DOUBLE_SEASONAL_LASTING = auto()
    """The same, more of both."""
    LEVEL_SLOW = auto()
    """Simple exponential smoothing."""
    LEVEL_FAST = auto()
    TREND = auto()
    """Damped trend."""
    MOMENTUM = auto()
    """On by half as much each step as the step before."""
    REVERTING = auto()
    """Back to the level of the last days, as after an outage."""
    GROUP = auto()
    """What `SHARED_ON_LAGS` says, corrected by what the other series of the same events did."""
    LSTM = auto()
    """The head of the network."""
    READOUT_ON_HIDDEN = auto()
    """What the experts that need no network say together, as a readout of the series' own corrects it, on x and h."""
    SHARED_ON_HIDDEN = auto()
    """The same, as one on x and h corrects it with the weights best for all series."""
    SHARED_ON_ALL = auto()
    """The same, as one on last values, x and h corrects it with the weights best for all series."""


PLAIN = slice(Expert.LAST_VALUE, Expert.LSTM)
"""Those that need no network."""
REPEATING = slice(Expert.SEASONAL_SHORT, Expert.LEVEL_SLOW)
"""Those that say what was a season ago."""
GOING_ON = slice(Expert.LEVEL_SLOW, Expert.GROUP)
"""Those that go on from the last values alone."""
OF_THE_LSTM = slice(Expert.LSTM, len(Expert))
FITTED = (Expert.LAST_VALUE, Expert.SHARED_ON_LAGS, *list(Expert)[OF_THE_LSTM])


def assumed_losses(scored: int) -> Floats:
    """Losses (E, K) in squared reaches that are assumed before there are any: those that fit something start even."""
    losses = np.full((len(Expert), scored), 2.5, np.float32)
    losses[list(FITTED)] = 1.6
    return losses


@dataclass
class Smoothers(Columns):
    """Levels of each series, and one with a trend, of the ring's values."""

    levels: Floats  # (S, 2)
    trend: Floats  # (S, 2) level, trend

    @classmethod
    def empty(cls) -> "Smoothers":
        """The smoothers of no series."""
        single = np.float32
        return cls(np.zeros((0, len(LEVEL_WEIGHTS)), single), np.zeros((0, 2), single))

    def begin(self, rows: Rows, values: Floats) -> None:
        """Start again from some values (N, M), oldest first; the newest is still to be followed."""
        self.levels[rows], self.trend[rows] = values[:, :1], 0.0
        self.trend[rows, 0] = values[:, 0]
        for value in values[:, 1:-1].T:
            self.follow(rows, value)

    def follow(self, rows: Rows, value: Floats) -> None:
        """Take the newest value (N,) of each of these series."""
        weights = np.asarray(LEVEL_WEIGHTS, np.float32)
        self.levels[rows] += weights * (value[:, None] - self.levels[rows])
        own, slope, damping = np.asarray(TREND, np.float32)
        level, trend = self.trend[rows, 0], damping * self.trend[rows, 1]
        off = value - (level + trend)
        self.trend[rows] = np.stack([level + trend + own * off, trend + own * slope * off], 1)

    def moves(self, rows: Rows, value: Floats, horizon: int) -> Floats:
        """How far values will move by the experts from `LEVEL_SLOW` to `TREND`, (N, 3, H)."""
        start = np.concatenate([self.levels[rows], self.trend[rows, :1]], 1) - value[:, None]  # (N, 3)
        moves = np.repeat(start[:, :, None], horizon, 2)
        moves[:, -1] += self.trend[rows, 1:] * np.cumsum(TREND[2] ** np.arange(1, horizon + 1)).astype(np.float32)
        return moves


def returning_moves(rows: Rows, memory: Memory, horizon: int) -> Floats:
    """How far values will move by the experts `MOMENTUM` and `REVERTING`, (N, 2, H)."""
    value = memory.newest(rows)[1]
    ahead = np.arange(1, horizon + 1)
    last = np.where(memory.age[rows] > 1, value - memory.look_back(rows, np.asarray([[1]]))[:, 0], np.float32(0.0))
    on = last[:, None] * np.cumsum(MOMENTUM**ahead).astype(np.float32)
    back = (memory.level[rows] - value)[:, None] * (1.0 - np.exp(-ahead / REVERTING)).astype(np.float32)
    return np.stack([on, back], 1)


def seasonal_moves(rows: Rows, memory: Memory, horizon: int) -> Floats:
    """How far values will move by the experts from `SEASONAL_SHORT` to `DOUBLE_SEASONAL_LASTING`, (N, 6, H).

    NaN where the series has no such season, or is too young for it.
    """
    _, value = memory.newest(rows)
    short, long = memory.lags[rows][:, SEASONS].T
    ahead = np.arange(1, horizon + 1)
    day = np.maximum(short, 1)[:, None]
    before = _seasonal_lags(short, ahead)
    of_short = _profile(rows, memory, short, before)
    of_long = _profile(rows, memory, long, _seasonal_lags(long, ahead))
    moves = [*_back(rows, memory, value, short, of_short, _fading(day, ahead, CALM_SHORT))]
    moves += _back(rows, memory, value, long, of_long, _fading(day, ahead, CALM_LONG))
    of_long_then = _profile(rows, memory, np.where(short > 0, long, 0), before + np.maximum(long, 1)[:, None])
    then = memory.look_back(rows, before) - of_long_then
    now = value - of_long[:, 0]
    for again, calm in DOUBLE:
        rest = (now - np.float32(again) * then[:, 0])[:, None] * _fading(day, ahead, calm)
        moves.append(of_long[:, 1:] + np.float32(again) * then[:, 1:] + rest - value[:, None])
    return np.stack(moves, 1)


def _seasonal_lags(season: npt.NDArray[np.int64], ahead: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How long before now (N, 1 + H) the newest value is a season before now, and before each step ahead."""
    length = np.maximum(season, 1)[:, None]
    return np.concatenate([length, -ahead % length], 1)


def _profile(rows: Rows, memory: Memory, season: npt.NDArray[np.int64], lags: npt.NDArray[np.int64]) -> Floats:
    """Mean (N, L) of the values so long before now and of those up to three seasons before; NaN: none is kept."""
    length = np.maximum(season, 1)
    kept = np.minimum(memory.age[rows], memory.ring.shape[1])
    seasons = np.where(season > 0, np.minimum((kept - 1 - lags.max(1)) // length + 1, BACK), 0)  # (N,)
    there = np.arange(BACK) < seasons[:, None]
    values = memory.look_back(rows, lags[:, None] + (np.arange(BACK) * length[:, None])[:, :, None])  # (N, B, L)
    profile: Floats = (values * there[:, :, None]).sum(1) / np.maximum(seasons, 1).astype(np.float32)[:, None]
    profile[seasons <= 0] = np.nan
    return profile


def _fading(day: npt.NDArray[np.int64], ahead: npt.NDArray[np.int64], calm: float) -> Floats:
    """What is left (N, H) of what fades to 1/e in a part of a shorter season."""
    left: Floats = np.exp(ahead.astype(np.float32) * np.float32(-calm) / day.astype(np.float32))
    return left


def _back(
    rows: Rows, memory: Memory, value: Floats, season: npt.NDArray[np.int64], profile: Floats, left: Floats
) -> tuple[Floats, Floats]:
    """Moves (N, H) by the value a season before, and by the way back to the profile (N, 1 + H)."""
    latest = memory.look_back(rows, _seasonal_lags(season, np.arange(1, left.shape[1] + 1))[:, 1:])
    latest = np.where(np.isnan(profile[:, 1:]), np.float32(np.nan), latest)
    off = (value - profile[:, 0])[:, None]
    return latest - value[:, None], profile[:, 1:] + off * left - value[:, None]

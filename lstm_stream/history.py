"""The ring of each series' recent values.

Letters: S series, R values kept.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Flag, Floats, Real, Wholes, bounded
from lstm_stream.compiled import compiled

LARGEST_KEPT = 1e31
"""A value further than this from the first one counts as this: units may change by 1e9, and sums must not overflow."""
FEW_REPEATS = 2
"""In a row, which any series may have."""


class History(NamedTuple):
    """Recent values of each series, and how often the newest one repeats.

    Values are kept relative to the first one, so that single precision is enough for counters and prices. The factor
    is 1 until a structural break turns the series round or changes its unit: then ``first`` and the factor are such
    that the ring goes on as before.
    """

    age: Wholes  # (S,) steps so far
    step: Wholes  # (S,) microseconds from one step to the next; 0: not known yet
    first: Doubles  # (S,) in the series' unit
    factor_less_one: Doubles  # (S,) what a unit of the ring is outside, less 1
    latest: Doubles  # (S,) newest value, observed or filled, in the series' unit
    ring: Floats  # (S, R) (value - first) / factor, of step t at t % R
    seen: Doubles  # (S,) the newest value that was observed
    began: Wholes  # (S,) the step since which all observed values are the same
    still: Wholes  # (S,) how many of these repeat the one before
    ended: Wholes  # (S,) repeats in the row that the newest value ended; 0: it ended none
    stood_since: Wholes  # (S,) the step at which that row began
    longest: Wholes  # (S,) repeats in the longest row before that one

    @classmethod
    def empty(cls, values: int) -> "History":
        """Of no series, with room for so many values of each."""
        whole, double = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return cls(
            age=whole,
            step=whole,
            first=double,
            factor_less_one=double,
            latest=double,
            ring=np.zeros((0, values), np.float32),
            seen=double,
            began=whole,
            still=whole,
            ended=whole,
            stood_since=whole,
            longest=whole,
        )


@compiled
def factor(history: History, i: int) -> Real:
    """What a unit of the ring is in the series' unit."""
    return 1.0 + history.factor_less_one[i]


@compiled
def back(history: History, i: int, lag: int) -> Real:
    """The ring's value so many steps before the newest."""
    return history.ring[i, (history.age[i] - 1 - lag) % history.ring.shape[1]]


@compiled
def append(history: History, i: int, value: Real) -> None:
    """Take the next value, in the series' unit; the first one is what the others are relative to."""
    age = history.age[i]
    if age == 0:
        history.first[i] = value
    history.latest[i] = value
    inside = (value - history.first[i]) / factor(history, i)
    history.ring[i, age % history.ring.shape[1]] = bounded(inside, LARGEST_KEPT)
    history.age[i] = age + 1


@compiled
def count_repeat(history: History, i: int, value: Real) -> None:
    """Note whether an observed value, which is to be appended next, repeats the one observed before."""
    repeated = history.age[i] > 0 and value == history.seen[i]
    history.longest[i] = max(history.longest[i], history.ended[i])
    if repeated:
        history.ended[i] = 0
        history.still[i] += 1
    else:
        history.ended[i] = history.still[i]
        history.still[i] = 0
        history.stood_since[i] = history.began[i]
        history.began[i] = history.age[i]
    history.seen[i] = value


@compiled
def stands_still(history: History, i: int) -> Flag:
    """Whether the newest values repeat one for longer than ever, or the newest one has just ended that."""
    return max(history.still[i], history.ended[i]) > max(history.longest[i], FEW_REPEATS)

"""Bounds of series: a floor and a cap that no forecast leaves, given by name or recognised by the values.

Letters: S series.
"""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Flag, Flags, Real, Wholes
from lstm_stream.compiled import compiled
from lstm_stream.hyperparameters import Bound

FEWEST = 8
"""Values that bounds are recognised from at least."""
AT_END = 2
"""Values that lie at 0, or at 100, before that is held to be an end; whole numbers need none at 0."""
NONE = float(np.finfo(np.float64).max)
WHOLE_CAP = 100.0
"""The cap of percentages."""


class Bounds(NamedTuple):
    """The bounds of each series, and what its values tell of them."""

    given: Doubles  # (S, 2) floor and cap; the largest number: none
    recognise: Flags  # (S,)
    range: Doubles  # (S, 2) the least value and the largest
    broken: Flags  # (S,) whether there was a value that is no whole number
    at_end: Wholes  # (S, 2) how many values lay at 0 and at 100
    seen: Wholes  # (S,) values

    @classmethod
    def empty(cls) -> "Bounds":
        """Of no series."""
        pairs, flags = np.zeros((0, 2), np.float64), np.zeros(0, np.bool_)
        return cls(pairs, flags, pairs, flags, np.zeros((0, 2), np.int64), np.zeros(0, np.int64))


def give(bounds: Bounds, i: int, name: str, rules: Sequence[Bound]) -> None:
    """Give series i the bounds of the first rule that its name matches; without one it has none."""
    rule = next((rule for rule in rules if fnmatchcase(name, rule.pattern)), Bound(pattern=name))
    bounds.given[i, 0] = -NONE if rule.floor is None else rule.floor
    bounds.given[i, 1] = NONE if rule.cap is None else rule.cap
    bounds.recognise[i] = rule.recognise


@compiled
def take_value(bounds: Bounds, i: int, value: Real) -> Flag:
    """Learn from an observed value; tells whether it lies outside the bounds that were given."""
    seen = bounds.range[i]
    if bounds.seen[i] == 0:
        seen[0] = seen[1] = value
    seen[0], seen[1] = min(seen[0], value), max(seen[1], value)
    bounds.broken[i] = bounds.broken[i] or value != math.floor(value)
    bounds.at_end[i, 0] += value == 0
    bounds.at_end[i, 1] += value == WHOLE_CAP
    bounds.seen[i] += 1
    return value < bounds.given[i, 0] or value > bounds.given[i, 1]


@compiled
def floor_and_cap(bounds: Bounds, i: int) -> tuple[Real, Real]:
    """What no forecast of series i leaves."""
    floor, cap = bounds.given[i, 0], bounds.given[i, 1]
    if bounds.recognise[i] and bounds.seen[i] >= FEWEST and bounds.range[i, 0] >= 0:
        if not bounds.broken[i] or bounds.at_end[i, 0] >= AT_END:
            floor = max(floor, 0.0)
        if bounds.range[i, 1] <= WHOLE_CAP and bounds.at_end[i, 1] >= AT_END:
            floor, cap = max(floor, 0.0), min(cap, WHOLE_CAP)
    return floor, cap

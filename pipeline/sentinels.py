"""Numbers that stand for a missing value: -999, 9999, 32767 and their like, far from all other values."""

import math
from collections import Counter

import numpy as np
import numpy.typing as npt

USUAL = frozenset(
    sign * (float("9" * digits) + fraction)
    for digits in (2, 3, 4, 5, 6, 7)
    for fraction in (0.0, 0.9, 0.99)
    for sign in (1, -1)
    if digits > 2 or sign < 0
) | {
    32767.0,
    -32768.0,
    65535.0,
    2147483647.0,
    -2147483648.0,
    -888.0,
    -7777.0,
    -8888.0,
    8888.0,
    -999.25,
    1e20,
    -1e20,
    1e30,
    -1e30,
}
OFTEN, NEARER = 3, 0.25


class Spread:
    """The values of one column or path, as they come: which of them may mean that there is none.

    Examples
    --------
    >>> spread = Spread()
    >>> for value in (20.5, 21.0, -9999.0, 19.0, 999.0, -9999.0):
    ...     spread.add(value)
    >>> spread.sentinels()
    {-9999.0: 2, 999.0: 1}
    """

    def __init__(self) -> None:
        self._least, self._greatest = math.inf, -math.inf
        self._usual: dict[float, int] = {}

    def add(self, value: float) -> None:
        """Note a value; NaN is none."""
        if value in USUAL:
            self._usual[value] = self._usual.get(value, 0) + 1
        elif value == value:
            self._least, self._greatest = min(self._least, value), max(self._greatest, value)

    def sentinels(self) -> dict[float, int]:
        """Those further from all other values than these are from each other, and how often they came.

        Of one that came often a quarter of that is enough: measured values repeat no extreme one. Where there are no
        other values, all of them.
        """
        return {value: count for value, count in self._usual.items() if self._is_far(value, count)}

    def _is_far(self, value: float, count: int) -> bool:
        if self._least > self._greatest:  # there are no others
            return True
        away = max(self._least - value, value - self._greatest)
        enough = NEARER if count >= OFTEN else 1.0
        return math.isfinite(away) and away > enough * (self._greatest - self._least)


def sentinels_in(values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64]) -> dict[float, int]:
    """Those of many series: of each value (N,) the number of its series is in `groups`."""
    has_usual = np.isin(groups, np.unique(groups[np.isin(values, sorted(USUAL))]))
    order = np.argsort(groups[has_usual], kind="stable")
    ends = np.flatnonzero(np.diff(groups[has_usual][order])) + 1
    counts: Counter[float] = Counter()
    for own in np.split(values[has_usual][order], ends):
        spread = Spread()
        for value in own.tolist():
            spread.add(value)
        counts.update(spread.sentinels())
    return dict(counts.most_common())


def written(number: float) -> str:
    """A number as one writes it into settings."""
    return str(int(number)) if number == int(number) else repr(number)

"""One's own series cut into stretches, so that what judges a network was never trained on.

The last part of each series is held back. Its first half tells when to stop training, its second half judges.

Shapes: R rows of a series.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.pretraining.examples import STEPS, Stretch

FEWEST_ROWS = 200
"""Of a series that is used."""
FEWEST_TRAINED = 64
"""Rows of a stretch that is trained on: less than two days of hours tells little."""
WARM = 512
"""Rows that a network sees before those that are held back: half of a stretch."""


class Course(NamedTuple):
    """A whole series, of which each row is the next step."""

    times: npt.NDArray[np.int64]  # (R,) microseconds since the epoch
    values: npt.NDArray[np.float64]  # (R,) NaN: missing

    def from_its_first_value(self) -> "Course":
        """Without what is missing before it."""
        known = np.flatnonzero(np.isfinite(self.values))
        first = int(known[0]) if len(known) else len(self.values)
        return Course(self.times[first:], self.values[first:])


class Split(NamedTuple):
    """Rows of a series: [0, stop) is trained on, [stop, judge) tells when to stop, [judge, rows) judges."""

    stop: int
    judge: int
    rows: int

    @classmethod
    def of(cls, rows: int, held_back: float) -> "Split":
        """Of so many rows, of which this share is held back."""
        stop = rows - round(held_back * rows)
        return cls(stop, stop + (rows - stop) // 2, rows)


def trained(course: Course, split: Split, stride: int) -> Iterator[Stretch]:
    """Stretches before what is held back, which begin so many rows apart."""
    for begin in range(0, split.stop, stride):
        cut = _cut(course, begin, min(begin + STEPS, split.stop))
        if len(cut.values) >= FEWEST_TRAINED:
            yield cut


def held_back(course: Course, first: int, end: int) -> Iterator[Stretch]:
    """Stretches in which each of the rows [first, end) is judged once, with what came before to warm up on."""
    while first < end:
        begin = max(0, first - WARM)
        upto = min(begin + STEPS, end)
        cut = _cut(course, begin, upto)
        began = upto - len(cut.values)
        if len(cut.values):
            yield cut._replace(judged_from=max(first - 1 - began, 0))
        first = upto


def _cut(course: Course, begin: int, end: int) -> Stretch:
    return Stretch(*Course(course.times[begin:end], course.values[begin:end]).from_its_first_value())

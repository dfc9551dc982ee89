"""A dump that is taken block by block while its bank goes on: each series is in it as it was when the dump began.

Rows are copied in order, a block at a time. Before the bank changes rows that are still to come, the dump keeps copies
of them. So the bank never waits for a copy of everything, and no more is in memory twice than what is changed meanwhile
and what is on its way out.

Letters: S series.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Flags, Wholes
from lstm_stream.columns import Array

ROWS = 512
"""Series of a block: 16 MB at 30 KB each, which is copied in some 10 ms."""


class Block(NamedTuple):
    """Some rows of some of the arrays of a dump."""

    row: int  # of the first, in each array
    arrays: dict[str, Array]


class _Kept(NamedTuple):
    """Rows as they were before they were changed."""

    rows: Wholes
    arrays: dict[str, Array]


class Shape(NamedTuple):
    """What an array is like."""

    dtype: np.dtype[np.generic]
    sizes: tuple[int, ...]


class Dump:
    """What a bank, or something around it, is like at one moment.

    Parameters
    ----------
    header
        Numbers and settings.
    arrays
        Handed out as they are in the first block; nobody changes them.
    columns
        Arrays (S, ...) that go on being changed; who does so calls `keep` before. Empty: there are none.
    series
        How many rows of them, S.
    """

    def __init__(
        self,
        header: dict[str, object],
        arrays: Mapping[str, Array],
        columns: Mapping[str, Array] = MappingProxyType({}),
        series: int = 0,
    ) -> None:
        self.header = header
        self._whole: dict[str, Array] | None = dict(arrays) or None
        self._columns = dict(columns)
        self._series, self._next = series, 0
        self._to_come: Flags = np.ones(series, np.bool_)  # (S,) neither copied nor kept
        self._kept: dict[int, list[_Kept]] = {}  # by block
        self.shapes: dict[str, Shape] = {name: Shape(array.dtype, array.shape) for name, array in arrays.items()}
        """Of all arrays, by name."""
        self.shapes |= {name: Shape(each.dtype, (series, *each.shape[1:])) for name, each in self._columns.items()}
        self.kept = 0
        """Series of which copies are kept at the moment."""

    @property
    def is_taken(self) -> bool:
        """Whether no block is left."""
        return self._whole is None and self._next >= self._series

    def take(self) -> Block | None:
        """The next block, a copy; None: that was the last one."""
        if self._whole is not None:
            whole, self._whole = self._whole, None
            return Block(0, whole)
        if self.is_taken:
            return None
        begin, end = self._next, min(self._next + ROWS, self._series)
        self._next = end
        self._to_come[begin:end] = False
        arrays = {name: column[begin:end].copy() for name, column in self._columns.items()}
        for kept in self._kept.pop(begin // ROWS, ()):
            for name, array in kept.arrays.items():
                arrays[name][kept.rows - begin] = array
            self.kept -= len(kept.rows)
        return Block(begin, arrays)

    def keep(self, rows: Wholes) -> None:
        """Keep copies of those of these rows that are still to come, as they are about to be changed."""
        if self._next >= self._series:
            return
        rows = rows[rows < self._series]
        rows = np.unique(rows[self._to_come[rows]])
        if not len(rows):
            return
        self._to_come[rows] = False
        self.kept += len(rows)
        for some in np.split(rows, np.flatnonzero(np.diff(rows // ROWS)) + 1):
            arrays = {name: column[some] for name, column in self._columns.items()}
            self._kept.setdefault(int(some[0]) // ROWS, []).append(_Kept(some, arrays))

    def give_up(self) -> None:
        """Let go of what is left: nobody will take it."""
        self._whole, self._next, self.kept = None, self._series, 0
        self._columns.clear()
        self._kept.clear()

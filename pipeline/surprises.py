"""The newest surprise of each series of a shard, and how surprising each was of late; no part of its state."""

import numpy as np
import numpy.typing as npt

FADING = 0.98
"""What is left of a surprise at the next batch that has an observation of its series: half after 34."""


class Surprises:
    """By number of the series in its bank; NaN while it is warming."""

    def __init__(self) -> None:
        self._last = np.zeros(0)  # (S,)
        self._recent = np.zeros(0)  # (S,) largest one of late, faded

    def note(self, rows: npt.NDArray[np.int64], surprises: npt.NDArray[np.float64]) -> None:
        """Take those of a batch (N,), NaN where there is none."""
        known = ~np.isnan(surprises)
        rows, surprises = rows[known], surprises[known]
        if not len(rows):
            return
        self._make_room(int(rows.max()) + 1)
        faded = np.nan_to_num(self._recent[rows]) * FADING
        self._last[rows], self._recent[rows] = surprises, faded
        np.maximum.at(self._recent, rows, surprises)

    def _make_room(self, series: int) -> None:
        room = len(self._last)
        if series > room:
            more = np.full(max(series, 2 * room) - room, np.nan)
            self._last, self._recent = np.concatenate([self._last, more]), np.concatenate([self._recent, more])

    def last(self, row: int) -> float | None:
        """The newest of a series, None while it has none."""
        return None if row >= len(self._last) or np.isnan(self._last[row]) else float(self._last[row])

    def recent(self, series: int) -> npt.NDArray[np.float64]:
        """How surprising each of so many series (S,) was of late; NaN where nothing is known."""
        known = self._recent[:series]
        return np.concatenate([known, np.full(series - len(known), np.nan)])

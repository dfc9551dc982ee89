"""What a shard forecast of late, for the live page: one-step forecasts, anomaly scores, drifts, restarts.

Nothing of it comes back into a forecast, and no checkpoint keeps it: after a start it begins anew.

Letters: S series, K entries kept of each, N observations, H horizons.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Forecasts, Outcome

Wholes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LONGEST, SHORTEST = 64, 4
"""Entries kept of each series: as many as fit into `BUDGET`, a power of two."""
BUDGET = 32 << 20
"""Bytes, of all series together."""
SIZE = 28
"""Bytes of an entry."""
RECENT = 16
"""Entries of which the largest score tells how surprising a series was of late."""
EVENTS = 64
"""Drifts, and restarts, that are kept."""
ORIGINS = 256
"""Whole forecasts kept of a series that somebody looks at."""


class Entries(NamedTuple):
    """The last observations of a series, oldest first, each with the forecast that was made with it."""

    time: Wholes  # (K,) microseconds since the epoch
    surprise: Floats  # (K,) its anomaly score; NaN: none
    mean: Doubles  # (K,) of the step after it, and so are the next
    low: Doubles  # (K,) lowest quantile
    high: Doubles  # (K,) highest quantile

    def take(self, which: slice | npt.NDArray[np.bool_]) -> "Entries":
        """Some of them."""
        return Entries(self.time[which], self.surprise[which], self.mean[which], self.low[which], self.high[which])


class Whole(NamedTuple):
    """A whole forecast of a series."""

    origin: int
    mean: Doubles  # (H,)
    low: Doubles  # (H,)
    high: Doubles  # (H,)


class _Rings(NamedTuple):
    """Entries of each series: entry n at n % K."""

    taken: Wholes  # (S,) entries so far
    time: Wholes  # (S, K)
    surprise: Floats  # (S, K)
    mean: Doubles  # (S, K)
    below: Floats  # (S, K) mean less lowest quantile
    above: Floats  # (S, K) highest quantile less mean

    @classmethod
    def empty(cls, series: int, kept: int) -> "_Rings":
        shape = (series, kept)
        single, double = np.zeros(shape, np.float32), np.zeros(shape, np.float64)
        surprise = np.full(shape, np.nan, np.float32)
        time, count = np.zeros(shape, np.int64), np.zeros(series, np.int64)
        return cls(count, time, surprise, double, single, single.copy())


class Journal:
    """Notes what comes out of a fold, and tells of it; series by their row in the bank.

    Attributes
    ----------
    drifts
        When drifts were noticed: the event time of the observation at which that was, microseconds since the epoch.
    """

    def __init__(self) -> None:
        self._rings = _Rings.empty(0, LONGEST)
        self._restarts: deque[tuple[int, int]] = deque(maxlen=EVENTS)  # row, time
        self._drifts_so_far: int | None = None
        self._tracks: dict[int, deque[Whole]] = {}
        self.drifts: deque[int] = deque(maxlen=EVENTS)

    # What comes in

    def note(self, rows: Wholes, forecasts: Forecasts, series: int) -> None:
        """Take what a fold came to.

        Parameters
        ----------
        rows : (N,)
            The series of each observation.
        series
            How many there are.
        """
        made = np.flatnonzero(forecasts.outcome == Outcome.FORECAST)
        if not len(made):
            return
        self._make_room(series)
        self._note_drifts(forecasts.drifts[made], forecasts.origin[made])
        rows = rows[made]
        begins = np.flatnonzero(forecasts.restart[made])
        self._note_restarts(rows[begins], forecasts.origin[made[begins]])
        kept = self._begin(rows, begins)
        self._append(rows[kept], forecasts, made[kept])
        self._follow(rows[kept], forecasts, made[kept])

    def _make_room(self, series: int) -> None:
        """Room for so many: twice as much as there was, and fewer entries of each where many series need it."""
        room, kept = self._rings.time.shape
        if series <= room:
            return
        room = max(64, 2 * room, series)
        while kept > SHORTEST and room * kept * SIZE > BUDGET:
            kept //= 2
        self._rings = _moved(self._rings, room, kept)

    def _note_drifts(self, drifts: Wholes, times: Wholes) -> None:
        before = int(drifts[0]) if self._drifts_so_far is None else self._drifts_so_far
        self.drifts.extend(times[np.flatnonzero(np.diff(drifts, prepend=before) > 0)].tolist())
        self._drifts_so_far = int(drifts[-1])

    def _note_restarts(self, rows: Wholes, times: Wholes) -> None:
        """Those of series that have been there: the first observation of a series is no restart."""
        known = self._rings.taken[rows] > 0
        known[np.delete(np.arange(len(rows)), np.unique(rows, return_index=True)[1])] = True
        self._restarts.extend(zip(rows[known].tolist(), times[known].tolist(), strict=True))

    def _begin(self, rows: Wholes, begins: Wholes) -> Wholes:
        """Forget series that begin, or begin again; which observations come after that."""
        if not len(begins):
            return np.arange(len(rows))
        begun = np.full(len(self._rings.taken), -1)
        begun[rows[begins]] = begins  # of one that begins several times, the last
        self._rings.taken[rows[begins]] = 0
        self._rings.surprise[rows[begins]] = np.nan
        for row in self._tracks.keys() & set(rows[begins].tolist()):
            self._tracks[row].clear()
        return np.flatnonzero(np.arange(len(rows)) >= begun[rows])

    def _append(self, rows: Wholes, forecasts: Forecasts, sources: Wholes) -> None:
        rings = self._rings
        order = np.argsort(rows, kind="stable")  # by series, each in the order of the log
        rows, sources = rows[order], sources[order]
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        sizes = np.diff(starts, append=len(rows))
        rank = np.arange(len(rows)) - np.repeat(starts, sizes)
        slot = (rings.taken[rows] + rank) % rings.time.shape[1]
        newest = rank >= np.repeat(sizes, sizes) - rings.time.shape[1]
        at, sources = (rows[newest], slot[newest]), sources[newest]
        mean = forecasts.mean[sources, 0]
        rings.time[at] = forecasts.origin[sources]
        rings.surprise[at] = forecasts.surprise[sources]
        rings.mean[at] = mean
        with np.errstate(over="ignore"):  # a width beyond single precision is infinite, and told as none
            rings.below[at] = mean - forecasts.quantiles[sources, 0, 0]
            rings.above[at] = forecasts.quantiles[sources, 0, -1] - mean
        rings.taken[rows[starts]] += sizes

    def _follow(self, rows: Wholes, forecasts: Forecasts, sources: Wholes) -> None:
        """Keep the whole forecasts of the series that are looked at."""
        if not self._tracks:
            return
        for n in np.flatnonzero(np.isin(rows, list(self._tracks))).tolist():
            source = sources[n]
            low, high = forecasts.quantiles[source, :, 0].copy(), forecasts.quantiles[source, :, -1].copy()
            whole = Whole(int(forecasts.origin[source]), forecasts.mean[source].copy(), low, high)
            self._tracks[int(rows[n])].append(whole)

    def watch(self, rows: Collection[int]) -> None:
        """Keep whole forecasts of these series from now on, and of no others."""
        before = self._tracks
        self._tracks = {row: before.get(row, deque[Whole](maxlen=ORIGINS)) for row in rows}

    # What can be asked

    def entries(self, row: int) -> Entries:
        """The last entries of a series; none of one that is not known."""
        rings = self._rings
        count = int(rings.taken[row]) if row < len(rings.taken) else 0
        slots = np.arange(max(count - rings.time.shape[1], 0), count) % rings.time.shape[1]
        time, surprise, mean, below, above = (ring[row, slots] for ring in rings[1:]) if count else _nothing()
        return Entries(time, surprise, mean, mean - below, mean + above)

    def restarts(self, row: int) -> list[int]:
        """When a series started again, microseconds since the epoch."""
        return [time for other, time in self._restarts if other == row]

    def track(self, row: int) -> tuple[Whole, ...]:
        """The last whole forecasts of a series that is looked at, oldest first."""
        return tuple(self._tracks.get(row, ()))

    def surprises(self, series: int) -> tuple[Floats, Floats]:
        """Of so many series (S,) the score of the last observation, and the largest of the last few; NaN: none."""
        latest, largest = np.full((2, series), np.nan, np.float32)
        rings, known = self._rings, min(series, len(self._rings.taken))
        if known:
            kept = rings.time.shape[1]
            slots = (rings.taken[:known, None] - 1 - np.arange(min(RECENT, kept))) % kept
            scores = np.take_along_axis(rings.surprise[:known], slots, 1)
            latest[:known] = scores[:, 0]
            scored = ~np.isnan(scores).all(1)
            largest[:known][scored] = np.nanmax(scores[scored], 1)
        return latest, largest


def _nothing() -> tuple[npt.NDArray[Any], ...]:
    return tuple(ring[0] for ring in _Rings.empty(1, 0)[1:])


def _moved(rings: _Rings, room: int, kept: int) -> _Rings:
    """The rings with room for so many series and so many entries, no more than before, of each."""
    moved = _Rings.empty(room, kept)
    series, before = rings.time.shape
    if series:
        last = rings.taken[:, None] - 1 - np.arange(kept)
        to = (np.arange(series)[:, None], last % kept)
        pairs: Iterable[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = zip(rings[1:], moved[1:], strict=True)
        for ring, other in pairs:
            other[to] = np.take_along_axis(ring, last % before, 1)
        moved.taken[:series] = rings.taken
    return moved

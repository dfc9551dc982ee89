"""The recent values of each series, their scale, and what the network is shown of them.

Letters: S series, N rows of a round, R values kept, D differences, F inputs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.grid import DAY, SECOND, seasons
from lstm_stream.network import Floats, ratio

LAGS = (1, 2, 3, 6, 12, 24)
"""y[t] - y[t-k]."""
AHEAD = (1, 3, 6, 12, 24)
"""y[t] - y[t-p+f]: what followed a season ago."""
DIFFERENCES = len(LAGS) + 2 * (1 + len(AHEAD))
SEASONS = (len(LAGS), len(LAGS) + 1 + len(AHEAD))
"""Which of a series' lags are the shorter season and the longer one."""
CALENDAR = 8
INPUTS = 1 + DIFFERENCES + CALENDAR + 1
"""F: level, differences, calendar, and whether the value is known to be missing."""

LARGEST_INPUT = 5.0
LARGEST_LAG = 10.0
"""In spreads."""
OUTLIER = 5.0
"""In spreads: no value moves the scale further than this."""
YOUNG = 32
"""Steps in which the scale is the median's of all values, which up to half of them can't upset."""
SPAN = 8 * DAY
"""Seconds of memory of the scale."""
LARGEST_KEPT = 1e31
"""A value further than this from the first one counts as this: units may change by 1e9, and sums must not overflow."""
ABSURD = 200.0
"""In spreads, and half as many times further than any value kept: a value further out than this is not believed."""
DISBELIEVED = 2
"""Absurd values in a row; the one after them is believed: a series may turn into another."""


@dataclass
class Memory(Columns):
    """A ring of each series' values and its running scale, both hard to upset.

    Values are kept relative to the first one, so that single precision is enough for counters and prices. The factor
    is 1 until the series breaks (see `breaks`); then it and ``first`` are such that the ring goes on as before.
    """

    age: npt.NDArray[np.int64]  # (S,) steps so far
    step: npt.NDArray[np.int64]  # (S,) microseconds; 0: not known yet
    first: npt.NDArray[np.float64]  # (S,)
    beyond_one: npt.NDArray[np.float64]  # (S,) of the factor
    latest: npt.NDArray[np.float64]  # (S,)
    ring: Floats  # (S, R) (value - first) / factor, of step t at t % R
    level: Floats  # (S,) running mean of the ring's values
    spread: Floats  # (S,) running scale around it, about a standard deviation
    extreme_run: npt.NDArray[np.int64]  # (S,) values in a row far outside of the scale
    absurd_run: npt.NDArray[np.int8]  # (S,) values in a row that were not believed
    seen: npt.NDArray[np.float64]  # (S,) the newest value that was observed
    began: npt.NDArray[np.int64]  # (S,) the step since which all that were observed are the same
    still: npt.NDArray[np.int64]  # (S,) how many of these repeat the one before
    ended: npt.NDArray[np.int64]  # (S,) repeats in the row that the newest value ended; 0: it ended none
    stood_since: npt.NDArray[np.int64]  # (S,) the step at which that row began
    longest: npt.NDArray[np.int64]  # (S,) repeats in the longest row of the time before that
    span: Floats  # (S,) memory of the scale, in steps
    lags: npt.NDArray[np.int64]  # (S, D) in steps; 0: none
    difference_spread: Floats  # (S, D)

    @classmethod
    def empty(cls, values: int) -> "Memory":
        """The memory of no series, with room for so many values of each."""
        single, whole, double = np.float32, np.int64, np.float64
        return cls(
            age=np.zeros(0, whole),
            step=np.zeros(0, whole),
            first=np.zeros(0, double),
            beyond_one=np.zeros(0, double),
            latest=np.zeros(0, double),
            ring=np.zeros((0, values), single),
            level=np.zeros(0, single),
            spread=np.zeros(0, single),
            extreme_run=np.zeros(0, whole),
            absurd_run=np.zeros(0, np.int8),
            seen=np.zeros(0, double),
            began=np.zeros(0, whole),
            still=np.zeros(0, whole),
            ended=np.zeros(0, whole),
            stood_since=np.zeros(0, whole),
            longest=np.zeros(0, whole),
            span=np.zeros(0, single),
            lags=np.zeros((0, DIFFERENCES), whole),
            difference_spread=np.zeros((0, DIFFERENCES), single),
        )

    def set_step(self, rows: Rows, steps: npt.NDArray[np.int64]) -> None:
        """Fix the lags and the memory of series that are new, or whose step in microseconds has become known."""
        changed = (self.span[rows] == 0) | (self.step[rows] != steps)
        for row, step in zip(rows[changed].tolist(), steps[changed].tolist(), strict=True):
            first, second = seasons(step / SECOND)
            self.step[row] = step
            self.lags[row] = [*LAGS, *self._seasonal(first), *self._seasonal(second)]
            self.span[row] = min(max(SPAN * SECOND / step if step else 0.0, 8.0 * first, 192.0), 4096.0)

    def _seasonal(self, season: int) -> list[int]:
        if not 1 < season < self.ring.shape[1]:
            return [0] * (1 + len(AHEAD))
        return [season, *(-ahead % season for ahead in AHEAD)]

    def write(self, rows: Rows, values: npt.NDArray[np.float64]) -> None:
        """Append one value to each of these series; the first of a series is what the others are relative to."""
        new = rows[self.age[rows] == 0]
        self.first[new] = values[self.age[rows] == 0]
        self.latest[rows] = values
        self.ring[rows, self.age[rows] % self.ring.shape[1]] = self.inside(rows, values)
        self.age[rows] += 1

    def count_repeats(self, rows: Rows, values: npt.NDArray[np.float64]) -> None:
        """Note whether values (N,) that were observed, and are to be written next, repeat those observed before."""
        repeated = (values == self.seen[rows]) & (self.age[rows] > 0)
        self.longest[rows] = np.maximum(self.longest[rows], self.ended[rows])
        self.ended[rows] = np.where(repeated, 0, self.still[rows])
        self.still[rows] = np.where(repeated, self.still[rows] + 1, 0)
        self.stood_since[rows] = np.where(repeated, self.stood_since[rows], self.began[rows])
        self.began[rows] = np.where(repeated, self.began[rows], self.age[rows])
        self.seen[rows] = values

    def factor(self, rows: Rows) -> npt.NDArray[np.float64]:
        """What a unit of the ring is outside, (N,)."""
        factor: npt.NDArray[np.float64] = 1.0 + self.beyond_one[rows]
        return factor

    def inside(self, rows: Rows, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values (N,) as they are in the ring."""
        return np.clip((values - self.first[rows]) / self.factor(rows), -LARGEST_KEPT, LARGEST_KEPT)

    def convert(self, row: int, since: int, shift: float, factor: float) -> None:
        """Take the values from a step on, as they are in the ring, to be ``shift + factor * those to be kept``."""
        kept = np.arange(since, self.age[row]) % self.ring.shape[1]
        converted = (self.ring[row, kept].astype(np.float64) - shift) / factor
        self.ring[row, kept] = np.clip(converted, -LARGEST_KEPT, LARGEST_KEPT)
        outer = 1.0 + self.beyond_one[row]
        self.first[row] += outer * shift
        self.beyond_one[row] = outer * factor - 1.0

    def replace(self, row: int, since: int, values: Floats) -> None:
        """Keep other values (M,), as they are in the ring, from a step on."""
        self.ring[row, np.arange(since, since + len(values)) % self.ring.shape[1]] = values

    def measure(self, row: int) -> None:
        """Take a series' level and spreads anew, from the values that are kept."""
        count = int(min(self.age[row], self.ring.shape[1]))
        values = self.look_back(np.asarray([row]), np.arange(count)[None])[0]
        lasting = values[: int(self.span[row])]
        self.level[row] = lasting.mean()
        self.spread[row] = np.float32(1.25) * np.abs(lasting - self.level[row]).mean()
        self.extreme_run[row] = 0
        largest = np.float32(OUTLIER) * self.floored(np.asarray([row]))[0]
        for kind, lag in enumerate(self.lags[row].tolist()):
            if lag < count:
                differences = np.abs(values[: count - lag] - values[lag:])[: int(self.span[row])]
                self.difference_spread[row, kind] = np.minimum(differences, largest).mean()

    def disbelieve(self, rows: Rows, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which of these next values (N,) are so far out that they are better taken as missing; NaN never is.

        One value of 1e12 among normal ones says nothing of the next, and would be remembered a week later.
        """
        off = np.abs(self.inside(rows, values) - self.level[rows])
        far = (off > ABSURD * self.floored(rows)) & (self.spread[rows] >= self.floored(rows)) & (self.age[rows] > YOUNG)
        suspects = rows[far]
        furthest = np.abs(self.ring[suspects] - self.level[suspects, None]).max(1, initial=0.0)
        far[far] = off[far] > 0.5 * ABSURD * furthest
        far &= self.absurd_run[rows] < DISBELIEVED
        self.absurd_run[rows] = np.where(far, self.absurd_run[rows] + 1, 0)
        return far

    def newest(self, rows: Rows) -> tuple[npt.NDArray[np.int64], Floats]:
        """Number of the newest step of each of these series, and the ring's value of it."""
        step = self.age[rows] - 1
        return step, self.ring[rows, step % self.ring.shape[1]]

    def look_back(self, rows: Rows, lags: npt.NDArray[np.int64]) -> Floats:
        """The ring's values so many steps before the newest, (N, ...) for lags of that shape."""
        newest = (self.age[rows] - 1).reshape(-1, *(1,) * (lags.ndim - 1))
        series = rows.reshape(newest.shape)
        values: Floats = self.ring[series, (newest - lags) % self.ring.shape[1]]
        return values

    def rescale(self, rows: Rows, roughness: float = 0.0) -> None:
        """Let the newest values move the scale of their series, each by a little at most.

        Parameters
        ----------
        roughness
            Least spread of a young series, in its mean absolute steps.
        """
        off = self.newest(rows)[1] - self.level[rows]
        spread = self.floored(rows)
        weight = np.float32(1.0) / self.span[rows]
        bound = np.float32(OUTLIER) * spread
        self.level[rows] += weight * np.clip(off, -bound, bound)
        self.spread[rows] += weight * (np.float32(1.25) * np.minimum(np.abs(off), bound) - self.spread[rows])
        self._start_scale_again(rows, np.abs(off) > bound)
        self._rescale_differences(rows)
        young = rows[self.age[rows] <= YOUNG]
        self.spread[young] = np.maximum(self.spread[young], np.float32(roughness) * self.difference_spread[young, 0])

    def _start_scale_again(self, rows: Rows, extreme: npt.NDArray[np.bool_]) -> None:
        run = np.where(extreme, self.extreme_run[rows] + 1, 0)
        self.extreme_run[rows] = run
        again = rows[(self.age[rows] <= YOUNG) | (run >= YOUNG)]
        if len(again):
            self.level[again], self.spread[again] = self._middle(again)
            self.extreme_run[again] = 0
            self.difference_spread[again] = np.minimum(self.difference_spread[again], 2 * self.spread[again, None])

    def _middle(self, rows: Rows) -> tuple[Floats, Floats]:
        """Median and spread of the last values of these series."""
        values = self.look_back(rows, np.arange(YOUNG)[None])  # (N, 32)
        count = np.minimum(self.age[rows], YOUNG)
        there = np.arange(YOUNG) < count[:, None]
        level = _median(values, there, count)
        off = np.abs(values - level[:, None])
        deviation = np.float32(1.4826) * _median(off, there, count)
        largest = np.where(there, off, 0.0).max(1)
        trimmed = (np.where(there, off, 0.0).sum(1) - largest) / np.maximum(count - 1, 1)
        return level, np.where(deviation > 0, deviation, trimmed).astype(np.float32)

    def _rescale_differences(self, rows: Rows) -> None:
        since = self.age[rows, None] - self.lags[rows]  # (N, D) differences of this kind so far
        weight = np.maximum(1.0 / np.maximum(since, 1), 1.0 / self.span[rows, None]).astype(np.float32)
        size = np.minimum(np.abs(self._differences(rows)), np.float32(OUTLIER) * self.floored(rows)[:, None])
        moved = self.difference_spread[rows] + weight * (size - self.difference_spread[rows])
        self.difference_spread[rows] = np.where(since > 0, moved, 0.0)

    def _differences(self, rows: Rows) -> Floats:
        """y[t] - y[t-k] (N, D), 0 where there is no such value."""
        lags = self.lags[rows]
        differences: Floats = self.newest(rows)[1][:, None] - self.look_back(rows, lags)
        return np.where(lags < self.age[rows, None], differences, np.float32(0.0))

    def lagged(self, rows: Rows, lags: npt.NDArray[np.int64]) -> Floats:
        """Differences from the first of some lags (1, G, 1 + L) to the others, and its own to the level, in spreads.

        (N, G, L + 1); 0 before the series began.
        """
        values = self.look_back(rows, lags)
        values = np.where(lags < self.age[rows, None, None], values, values[:, :, :1])
        off = values[:, :, :1] - np.concatenate(
            [values[:, :, 1:], np.broadcast_to(self.level[rows, None, None], (len(rows), lags.shape[1], 1))], 2
        )
        lagged: Floats = np.clip(ratio(off, self.floored(rows)[:, None, None]), -LARGEST_LAG, LARGEST_LAG)
        return lagged

    def floored(self, rows: Rows) -> Floats:
        """The spread of these series, never zero."""
        floor = 1e-9 * np.abs(self.first[rows] / self.factor(rows) + self.level[rows]) + 1e-12
        return np.maximum(self.spread[rows], floor.astype(np.float32))

    def inputs(self, rows: Rows, times: npt.NDArray[np.int64], observed: npt.NDArray[np.bool_]) -> Floats:
        """What the network is shown of the newest step of each series, (N, F), exact in half precision."""
        spread = self.floored(rows)[:, None]
        off = (self.newest(rows)[1] - self.level[rows])[:, None]
        usual = np.maximum(self.difference_spread[rows], np.float32(1e-3) * spread)
        shown = [ratio(off, spread), ratio(self._differences(rows), usual), calendar(times), ~observed[:, None]]
        x = np.concatenate(shown, 1, dtype=np.float32)
        return np.clip(x, -LARGEST_INPUT, LARGEST_INPUT).astype(np.float16).astype(np.float32)


def _median(values: Floats, there: npt.NDArray[np.bool_], count: npt.NDArray[np.int64]) -> Floats:
    ordered = np.sort(np.where(there, values, np.float32(np.inf)), 1)
    each = np.arange(len(values))
    middle: Floats = (ordered[each, (count - 1) // 2] + ordered[each, count // 2]) / np.float32(2)
    return middle


def calendar(times: npt.NDArray[np.int64]) -> Floats:
    """Two harmonics of the day and of the week, (N, 8), of times in microseconds."""
    phases = [times % (length * SECOND) / (length * SECOND) for length in (DAY, 7 * DAY)]
    angles = 2 * np.pi * np.stack([harmonic * phase for phase in phases for harmonic in (1, 2)], 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], 1, dtype=np.float32, casting="same_kind")

"""Series whose values arrive in the same event: what the others did tells about each.

Letters: N rows of a round, T groups of a round, G groups, M most members, K horizons, Z regressors, S series.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.faults import Undo
from lstm_stream.memory import Memory
from lstm_stream.network import Floats, ratio
from lstm_stream.past import Past

MOST_MEMBERS = 16
"""Larger groups have no regression."""
READ = 5
"""Inputs of each member that the others' regressions read: its level and its last differences."""
MARKS = (1, 2, 4)
"""Horizons that are corrected."""
POOLED = 3
"""Of the inputs, whose mean over the other members is shown to the network."""
SPAN = 5000.0
"""Memory of a regression, in steps."""
RIDGE = 30.0
"""What the sum of the squares of each regressor starts from."""
SOLVE_EVERY = 8
"""Steps."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
REGRESSORS = 1 + MOST_MEMBERS * READ


@dataclass
class Membership(Columns):
    """Which group each series is in; zero: in none."""

    group: npt.NDArray[np.int64]  # (S,) 1 + its index
    slot: npt.NDArray[np.int64]  # (S,) 1 + its place among the members

    @classmethod
    def empty(cls) -> "Membership":
        """Of no series."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass
class Groups(Columns):
    """For each group a regression, of what is left to say of its members' next values on what all of them did last.

    Ridge regression with exponential forgetting; one covariance serves all members, who have the same regressors.
    """

    members: npt.NDArray[np.int64]  # (G, M) 1 + row of the series, 0: none
    count: npt.NDArray[np.int64]  # (G,) members, also those that found no place
    learnt: npt.NDArray[np.int64]  # (G,) steps
    squares: Floats  # (G, Z, Z) sum of z z'
    crossed: Floats  # (G, M, K, Z) sum of z and what was left
    weights: Floats  # (G, M, K, Z)

    @classmethod
    def empty(cls, horizon: int) -> "Groups":
        """No groups."""
        whole, single, marks = np.int64, np.float32, sum(mark <= horizon for mark in MARKS)
        return cls(
            members=np.zeros((0, MOST_MEMBERS), whole),
            count=np.zeros(0, whole),
            learnt=np.zeros(0, whole),
            squares=np.zeros((0, REGRESSORS, REGRESSORS), single),
            crossed=np.zeros((0, MOST_MEMBERS, marks, REGRESSORS), single),
            weights=np.zeros((0, MOST_MEMBERS, marks, REGRESSORS), single),
        )

    @property
    def marks(self) -> Rows:
        """Horizons (K,) that are corrected."""
        return np.asarray(MARKS[: self.weights.shape[2]])

    @property
    def total(self) -> int:
        """Groups so far."""
        return int(np.count_nonzero(self.count))

    def join(self, rows: Rows, membership: Membership) -> None:
        """Let the series of an event be of one group: of that of the first that has one, else of a new one."""
        rows = np.asarray(list(dict.fromkeys(rows.tolist())))
        new = rows[membership.group[rows] == 0]
        if len(new) == len(rows):
            group = self.total
            if group == len(self.count):
                self.grow(max(4, 2 * group))
        else:
            group = int(membership.group[rows[membership.group[rows] > 0][0]]) - 1
        for row in new.tolist():
            self._take_in(row, group, membership)

    def _take_in(self, row: int, group: int, membership: Membership) -> None:
        place = int(self.count[group])
        membership.group[row], membership.slot[row] = group + 1, place + 1
        self.count[group] += 1
        if place < MOST_MEMBERS:
            self.members[group, place] = row + 1

    def save(self, groups: Rows, undo: Undo) -> None:
        """Save the regressions of these groups; beyond the members' own regressors there are zeros."""
        members = int(self.count[groups].max())
        used = slice(1 + READ * members)
        undo.keep(self.learnt, groups)
        undo.keep(self.squares, (groups, used, used))
        undo.keep(self.crossed, (groups, slice(members), slice(None), used))
        undo.keep(self.weights, (groups, slice(members), slice(None), used))

    def forget(self, groups: Rows) -> None:
        """Let the regressions of these groups start again."""
        for column in (self.learnt, self.squares, self.crossed, self.weights):
            column[groups] = 0

    def corrections(
        self, rows: Rows, membership: Membership, x: Floats, predicted: slice, memory: Memory, past: Past, reach: Floats
    ) -> Floats:
        """Learn, and say how far the members' next values will lie off what was predicted, (N, K), in reaches.

        Zero for a series in no group, or in a large one.

        Parameters
        ----------
        x : (N, READ)
            The first inputs of these steps.
        predicted : slice
            Where the inputs have the predictions for the horizons K.
        reach : (N, H)
        """
        told = np.zeros((len(rows), len(self.marks)), np.float32)
        group = membership.group[rows] - 1
        small = np.flatnonzero(group >= 0)
        small = small[self.count[group[small]] <= MOST_MEMBERS]
        if len(small):
            rows, x, reach = rows[small], x[small], reach[small]
            groups, index = np.unique(group[small], return_inverse=True)
            slot = membership.slot[rows] - 1
            z = self._regressors(groups, memory, past, int(self.marks[-1]))
            self._learn(groups, index, slot, z, self._left(rows, memory, past, reach, predicted))
            now = self._regressors(groups, memory, past, 0)
            now[index[:, None], 1 + READ * slot[:, None] + np.arange(READ)] = x
            told[small] = np.einsum("nkz,nz->nk", self.weights[groups[index], slot], now[index])
        return told

    def _regressors(self, groups: Rows, memory: Memory, past: Past, back: int) -> Floats:
        """1 and what each member showed so many steps before its newest, (T, Z); zeros where there is none."""
        members = np.maximum(self.members[groups] - 1, 0)
        step = memory.age[members] - 1 - back
        there = (self.members[groups] > 0) & (step >= 0)
        shown = past.inputs[members, step % past.inputs.shape[1], :READ] * there[:, :, None]
        z = np.ones((len(groups), REGRESSORS), np.float32)
        z[:, 1:] = shown.reshape(len(groups), -1)
        return z

    def _learn(self, groups: Rows, index: Rows, slot: Rows, z: Floats, left: Floats) -> None:
        fading = np.float32(1.0 - 1.0 / SPAN)
        self.squares[groups] = fading * self.squares[groups] + z[:, :, None] * z[:, None, :]
        self.crossed[groups] *= fading
        self.crossed[groups[index], slot] += left[:, :, None] * z[index][:, None, :]
        self.learnt[groups] += 1
        for group in groups[self.learnt[groups] % SOLVE_EVERY == 0].tolist():
            self._solve(group)

    def _solve(self, group: int) -> None:
        members = int(self.count[group])
        used = 1 + READ * members
        squares = self.squares[group, :used, :used].astype(np.float64) + RIDGE * np.eye(used)
        crossed = self.crossed[group, :members, :, :used].reshape(-1, used)
        weights = np.linalg.solve(squares, crossed.T.astype(np.float64)).T
        self.weights[group, :members, :, :used] = weights.reshape(members, -1, used)

    def _left(self, rows: Rows, memory: Memory, past: Past, reach: Floats, predicted: slice) -> Floats:
        """How far values lay off what had been predicted of them, (N, K), in reaches; 0 where that is not known."""
        ahead, back = self.marks, int(self.marks[-1])
        origin = memory.age[rows] - 1 - back
        said = past.inputs[rows, origin % past.inputs.shape[1], predicted][:, : len(ahead)].astype(np.float32)
        came = memory.look_back(rows, back - ahead[None]) - memory.look_back(rows, np.asarray([[back]]))
        kept = past.observed.shape[1]
        observed = past.observed[rows[:, None], (origin[:, None] + ahead) % kept]
        known = observed & (past.observed[rows, origin % kept] & (origin >= 0))[:, None]
        left = np.clip(ratio(came, reach[:, ahead - 1]) - said, -LARGEST_ERROR, LARGEST_ERROR)
        return np.where(known, left, np.float32(0.0))


def pooled(event: npt.NDArray[np.int64], x: Floats) -> Floats:
    """Mean inputs (N, POOLED) of the other members of each row's group in a round; 0 where it is alone.

    Parameters
    ----------
    event : (N,)
        Which group each row is in.
    x : (N, POOLED)
    """
    _, index, count = np.unique(event, return_inverse=True, return_counts=True)
    total = np.zeros((len(count), x.shape[1]), np.float32)
    np.add.at(total, index, x)
    others = (count[index] - 1)[:, None].astype(np.float32)
    mean = (total[index] - x) / np.maximum(others, np.float32(1.0))
    alone: Floats = np.where(others > 0, mean, np.float32(0.0)).astype(np.float32)
    return alone


def meetings(events: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Where several observations lie in one event."""
    first = np.flatnonzero(np.diff(events, prepend=events[0] - 1)) if len(events) else np.zeros(0, np.int64)
    ends = np.append(first[1:], len(events))
    for begin, end in zip(first[ends - first > 1].tolist(), ends[ends - first > 1].tolist(), strict=True):
        yield slice(begin, end)

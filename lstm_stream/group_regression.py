"""The regression of a group: what is left to say of its members' next values, on what all of them did last.

Letters: G groups, M most members, K corrected horizons, Z regressors.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Floats, Real, Wholes, bounded, fill, ratio, widened
from lstm_stream.compiled import compiled
from lstm_stream.features import POOLED
from lstm_stream.history import History
from lstm_stream.targets import was_observed
from lstm_stream.trace import Trace

MOST_MEMBERS = 16
"""Larger groups have no regression."""
READ = 5
"""Features of each member that the regressions read: its level and its last differences."""
MARKS = (1, 2, 4)
"""Horizons that are corrected."""
SPAN = 5000.0
"""Memory of a regression, in steps."""
RIDGE = 30.0
"""What the sum of the squares of each regressor starts from."""
SOLVE_EVERY = 8
"""Steps."""
LARGEST_ERROR = 10.0
"""In move scales; an error further than this counts as this."""
REGRESSORS = 1 + MOST_MEMBERS * READ


def marks(horizon: int) -> Wholes:
    """The horizons (K,) that are corrected."""
    return np.asarray([mark for mark in MARKS if mark <= horizon])


class Groups(NamedTuple):
    """For each group a regression, of what is left to say of its members' next values on what all of them did last.

    Ridge regression with exponential forgetting; one covariance serves all members, who have the same regressors.
    """

    members: Wholes  # (G, M) 1 + row of the series, 0: none
    joined: Wholes  # (G,) members, also those that found no place
    learnt: Wholes  # (G,) steps
    squares: Floats  # (G, Z, Z) sum of z z'
    crossed: Floats  # (G, M, K, Z) sum of z and what was left
    weights: Floats  # (G, M, K, Z)
    regressors: Floats  # (G, Z) of the step at hand
    present: Wholes  # (G,) members of the step at hand
    total: Floats  # (G, 3) sums of their first features

    @classmethod
    def empty(cls, horizon: int) -> "Groups":
        """No groups."""
        whole, single, corrected = np.zeros(0, np.int64), np.float32, len(marks(horizon))
        return cls(
            members=np.zeros((0, MOST_MEMBERS), np.int64),
            joined=whole,
            learnt=whole,
            squares=np.zeros((0, REGRESSORS, REGRESSORS), single),
            crossed=np.zeros((0, MOST_MEMBERS, corrected, REGRESSORS), single),
            weights=np.zeros((0, MOST_MEMBERS, corrected, REGRESSORS), single),
            regressors=np.zeros((0, REGRESSORS), single),
            present=whole,
            total=np.zeros((0, POOLED), single),
        )


@compiled
def begin_step(groups: Groups, history: History, trace: Trace, group: int) -> None:
    """Learn what the members showed when the oldest corrected horizon was predicted."""
    z = groups.regressors[group]
    write_shown(groups, history, trace, group, MARKS[groups.weights.shape[2] - 1], z)
    fading = np.float32(1.0 - 1.0 / SPAN)
    for a in range(len(z)):
        for b in range(len(z)):
            groups.squares[group, a, b] = fading * groups.squares[group, a, b] + z[a] * z[b]
    for m in range(min(groups.joined[group], MOST_MEMBERS)):
        for k in range(groups.weights.shape[2]):
            for a in range(len(z)):
                groups.crossed[group, m, k, a] *= fading
    groups.learnt[group] += 1


@compiled
def write_shown(groups: Groups, history: History, trace: Trace, group: int, lag: int, z: Floats) -> None:
    """Write 1 and what each member showed so many steps before its newest (Z,); zeros where there is none."""
    fill(z, 0.0)
    z[0] = 1.0
    for m in range(min(groups.joined[group], MOST_MEMBERS)):
        member = groups.members[group, m] - 1
        t = history.age[member] - 1 - lag
        if t >= 0:
            for k in range(READ):
                z[1 + READ * m + k] = widened(trace.features[member, t % trace.features.shape[1], k])


@compiled
def learn_member(
    groups: Groups, history: History, trace: Trace, group: int, slot: int, row: int, scale: Floats, linear: int
) -> None:
    """Add what was left to say of a member's values, where that is known."""
    z, corrected = groups.regressors[group], groups.weights.shape[2]
    origin = history.age[row] - 1 - MARKS[corrected - 1]
    for k in range(corrected):
        ahead = MARKS[k]
        if was_observed(trace, row, origin, origin + ahead):
            said = widened(trace.features[row, origin % trace.features.shape[1], linear + k])
            left = np.float32(bounded(_moved(history, row, origin, ahead, scale) - said, LARGEST_ERROR))
            for a in range(len(z)):
                groups.crossed[group, slot, k, a] += left * z[a]


@compiled
def _moved(history: History, row: int, origin: int, ahead: int, scale: Floats) -> Real:
    kept = history.ring.shape[1]
    return ratio(history.ring[row, (origin + ahead) % kept] - history.ring[row, origin % kept], scale[ahead - 1])


@compiled
def solve(groups: Groups, group: int) -> None:
    """Take the weights of ridge regression."""
    used, corrected = 1 + READ * min(groups.joined[group], MOST_MEMBERS), groups.weights.shape[2]
    factor = np.empty((used, used))
    for a in range(used):
        for b in range(used):
            factor[a, b] = groups.squares[group, a, b] + (RIDGE if a == b else 0.0)
    _factorise(factor)
    x = np.empty(used)
    for m in range(min(groups.joined[group], MOST_MEMBERS)):
        for k in range(corrected):
            for a in range(used):
                x[a] = groups.crossed[group, m, k, a]
            _solve_triangles(factor, x)
            for a in range(used):
                groups.weights[group, m, k, a] = x[a]


@compiled
def _factorise(matrix: Doubles) -> None:
    """Turn the lower triangle of a positive matrix (Z, Z) into its Cholesky factor, in place."""
    for j in range(len(matrix)):
        for i in range(j, len(matrix)):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = np.sqrt(max(total, 1e-12)) if i == j else total / matrix[j, j]


@compiled
def _solve_triangles(factor: Doubles, x: Doubles) -> None:
    """Solve for a right side (Z,), in place."""
    for i in range(len(x)):
        for k in range(i):
            x[i] -= factor[i, k] * x[k]
        x[i] /= factor[i, i]
    for i in range(len(x) - 1, -1, -1):
        for k in range(i + 1, len(x)):
            x[i] -= factor[k, i] * x[k]
        x[i] /= factor[i, i]


@compiled
def write_corrected(linear: Floats, corrections: Floats, member: bool, said: Floats) -> None:
    """Write the moves (H,) by the regression on lags, corrected by the group; NaN for a series in no group.

    Corrections (K,) of the first marks are interpolated, and fade beyond the last.
    """
    last = MARKS[len(corrections) - 1]
    for h in range(len(said)):
        ahead = h + 1
        k = 0
        while MARKS[k] < min(ahead, last):
            k += 1
        correction = corrections[k]
        if k > 0:
            part = np.float32((min(ahead, last) - MARKS[k - 1]) / (MARKS[k] - MARKS[k - 1]))
            correction = corrections[k - 1] + part * (corrections[k] - corrections[k - 1])
        correction *= np.float32(min(last / ahead, 1.0))
        said[h] = linear[h] + correction if member else np.float32(np.nan)

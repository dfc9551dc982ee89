"""A linear readout of each series that adapts at once: recursive least squares with a covariance the shard shares.

Letters: S series, G groups of horizons, R regressors (1, features, hidden state), H horizons, K marked ones.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Flags, Floats, Real, Wholes, add_product, bounded, copy, dot, fill
from lstm_stream.compiled import compiled

GROUPS = (4, 24, 96)
"""Horizons up to each learn together, from the origin that many steps back."""
MARKS = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons that have weights; between two of them what is said is interpolated."""
PRIOR = 30.0
"""Origins that the weights a series starts from are worth."""
SPAN = 5000.0
"""Memory of a readout, in origins of a series."""
ALARMED = 0.1
"""What a full alarm leaves of the memory."""
LARGEST_ERROR = 10.0
"""In move scales; an error further than this counts as this."""
LAGS = 24
"""y[t] - y[t-k] for k from 1 to this."""
ONE = LAGS + 1
"""Which of all regressors [lags, y[t] - level, 1, features, hidden state] is always 1."""


def edges(marks: tuple[int, ...], horizon: int) -> tuple[int, ...]:
    """The marks below a horizon, and it."""
    return (*(mark for mark in marks if mark < horizon), horizon)


class Layout(NamedTuple):
    """Which horizons have weights, and from which origin they learn."""

    marks: Wholes  # (K,) the marked horizons
    origin: Wholes  # (G,) how many steps back the origin of a group lies, which is its longest horizon
    group: Wholes  # (K,)
    upper: Wholes  # (H,) the mark at or above each horizon
    part: Floats  # (H,) how far it lies from the mark below to that one

    @classmethod
    def of(cls, horizon: int) -> "Layout":
        """Of so many horizons."""
        marks, origin = np.asarray(edges(MARKS, horizon)), np.asarray(edges(GROUPS, horizon))
        upper, part = interpolated(marks, horizon)
        return cls(marks, origin, np.searchsorted(origin, marks), upper, part)


def interpolated(marks: Wholes, horizon: int) -> tuple[Wholes, Floats]:
    """The mark at or above each horizon (H,), and how far each lies from the mark below to it (H,)."""
    ahead = np.arange(1, horizon + 1)
    upper = np.searchsorted(marks, ahead)
    lower = np.maximum(upper - 1, 0)
    part = (ahead - marks[lower]) / np.maximum(marks[upper] - marks[lower], 1)
    return upper, part.astype(np.float32)


class Readouts(NamedTuple):
    """A linear readout a series, of the features and the hidden state of the network.

    Recursive least squares, except that the covariance of the regressors is the mean one of the shard's series
    (see `Pooled`): with P its inverse and n the origins learnt from, the gain is P z / (n + z'Pz). For the only series
    of a shard that is recursive least squares (Plackett 1950; Haykin, Adaptive Filter Theory, chapter 10). A series
    starts from the weights that are best for all.
    """

    learnt: Wholes  # (S,) steps so far
    weights: Floats  # (S, K, R)

    @classmethod
    def empty(cls, horizon: int, regressors: int) -> "Readouts":
        """Of no series."""
        return cls(np.zeros(0, np.int64), np.zeros((0, len(edges(MARKS, horizon)), regressors), np.float32))


@compiled
def begin_readout(readouts: Readouts, i: int, weights: Floats) -> None:
    """Give a series that never learnt the weights (K, R) that are best for all."""
    if readouts.learnt[i] == 0:
        for k in range(len(weights)):
            copy(weights[k], readouts.weights[i, k])


@compiled
def learn_readout(
    readouts: Readouts,
    layout: Layout,
    i: int,
    regressors: Floats,
    targets: Floats,
    known: Flags,
    inverse: Floats,
    alarm: Real,
    gain: Floats,
) -> None:
    """Learn from what became of each group's origin.

    Parameters
    ----------
    regressors : (G, R)
        Of each group's origin.
    targets, known : (K,)
        How far values lay off what was said there, in move scales, and whether origin and target were observed.
    inverse : (R, R)
        Inverse covariance of the regressors.
    alarm
        0 to 1: how much has changed of late; the more, the shorter the memory.
    gain : (R,)
        Workspace to work in.
    """
    worth = np.float32(PRIOR + min(float(readouts.learnt[i]), SPAN * ALARMED**alarm))
    readouts.learnt[i] += 1
    for group in range(len(layout.origin)):
        z, computed = regressors[group], False
        for k in range(len(layout.marks)):
            if layout.group[k] != group or not known[k]:
                continue
            if not computed:
                _write_gain(z, inverse, worth, gain)
                computed = True
            weights = readouts.weights[i, k]
            error = np.float32(bounded(targets[k] - dot(weights, z), np.float32(LARGEST_ERROR)))
            for r in range(len(z)):
                weights[r] += error * gain[r]


@compiled
def _write_gain(z: Floats, inverse: Floats, worth: Real, gain: Floats) -> None:
    fill(gain, 0.0)
    add_product(gain, z, inverse)
    total = worth + dot(z, gain)
    for r in range(len(z)):
        gain[r] /= total


@compiled
def write_readout(readouts: Readouts, layout: Layout, i: int, z: Floats, marked: Floats, said: Floats) -> None:
    """Write what the readout says (H,) of regressors (R,); `marked` (K,) is room to work in."""
    for k in range(len(layout.marks)):
        marked[k] = dot(readouts.weights[i, k], z)
    interpolate(marked, layout.upper, layout.part, said)


@compiled
def interpolate(marked: Floats, upper: Wholes, part: Floats, said: Floats) -> None:
    """Write what is said for all horizons (H,), of what is for the marked ones (K,)."""
    for h in range(len(said)):
        below = marked[max(upper[h] - 1, 0)]
        said[h] = below + part[h] * (marked[upper[h]] - below)

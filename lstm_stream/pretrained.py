"""The pretrained network: a second LSTM, trained beforehand (`pretraining`, `weights`), which does not learn.

Its carried state is what makes it know a series: it has learnt to learn a series' course from the values that it met.
It reads the features of the series itself and, in the marked horizons, the moves by the regression on lags and by the
bases: the combination of the experts that need no network, and two of these. It tells how far values will move, and how
far off that will be. It does so by how far it trusts each base (a softmax, in which "no move" takes part), and by what
it adds: a network that is stacked on other forecasts (Wolpert, "Stacked generalization", Neural Networks 5, 1992).
Covariates and other series it does not read.

Letters: F features of a bank, I inputs, U units, P horizons of the weights, H horizons of a bank, B bases, K knots.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import MOST_HALF, Floats, Halves, Wholes, bounded, fill, narrowed, widened
from lstm_stream.cell import Weights, think
from lstm_stream.compiled import compiled
from lstm_stream.features import MARKS, OF_THE_SERIES, Columns, write_marked

FEATURES = 2
"""Version of what the network reads. Raise it when a feature of the series or a marked move is measured otherwise:
weights that were trained on another version are refused."""
HORIZON = 48
"""P. In longer forecasts the series stays where it is expected then."""
BASES = 3
"""B: the combination of the experts that need no network, similar seasons and the series' own autoregression."""
INPUTS = OF_THE_SERIES + (1 + BASES) * len(MARKS)
"""I."""
KNOTS = (1, 2, 4, 8, 24, 48)
"""Horizons in which the network tells how far it trusts each base; between them trust is interpolated."""
OUTPUTS = 2 * HORIZON + BASES * len(KNOTS)
"""P moves, as many logarithms of mean absolute errors, and at each knot the logit of each base."""
LARGEST_LOG = 8.0
"""Of an error in move scales."""


class Pretrained(NamedTuple):
    """The network, and which features of a bank it reads."""

    weights: Weights  # with a head of 2 min(P, H) + K B outputs: moves, logarithms of errors, logits
    ours: Wholes  # places of features among those of the bank
    theirs: Wholes  # places of the same features among the inputs
    marks: Wholes  # marked horizons in which it reads the bases
    behind: Wholes  # places among the inputs of the second base's moves there
    knot: Wholes  # (min(P, H),) the knot before a horizon, or at it
    part: Floats  # (min(P, H),) how far the horizon is on the way to the next


class Workspace(NamedTuple):
    """Where a step of the network is worked on."""

    x: Floats  # (I,) 0 where the bank has no such feature
    h: Floats  # (U,)
    c: Floats  # (U,)
    gates: Floats  # (4U,)
    output: Floats  # (2 min(P, H) + K B,)
    read: Floats  # (5,) moves in the marked horizons
    trust: Floats  # (K, B) at the knots

    @classmethod
    def of(cls, horizon: int, units: int) -> "Workspace":
        """Of a bank whose network has so many units."""
        single = np.float32
        return cls(
            x=np.zeros(INPUTS, single),
            h=np.zeros(units, single),
            c=np.zeros(units, single),
            gates=np.zeros(4 * units, single),
            output=np.zeros(2 * min(HORIZON, horizon) + len(KNOTS) * BASES, single),
            read=np.zeros(len(MARKS), single),
            trust=np.zeros((len(KNOTS), BASES), single),
        )


def fitted(weights: Mapping[str, Floats], columns: Columns, horizon: int) -> Pretrained:
    """The network of a bank with these features, and no more horizons than it has."""
    ours, theirs = places(columns)
    marks = columns.marks[np.isin(columns.marks, MARKS)]
    near = np.arange(min(HORIZON, horizon))
    knot, part = between_knots(len(near))
    kept = np.concatenate([near, HORIZON + near, np.arange(2 * HORIZON, OUTPUTS)])
    head, hidden = weights["head.weight"][kept].T, weights["lstm.weight_hh_l0"].shape[1]
    return Pretrained(
        Weights(
            features=np.ascontiguousarray(weights["lstm.weight_ih_l0"].T),
            hidden=np.ascontiguousarray(weights["lstm.weight_hh_l0"].T),
            bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
            head_hidden=np.ascontiguousarray(head[:hidden]),
            head_features=np.ascontiguousarray(head[hidden:]),
            head_bias=weights["head.bias"][kept],
        ),
        ours,
        theirs,
        marks,
        np.asarray([OF_THE_SERIES + 2 * len(MARKS) + MARKS.index(mark) for mark in marks], np.int64),
        knot,
        part,
    )


def between_knots(horizon: int) -> tuple[Wholes, Floats]:
    """Where the horizons 1 to H are: which knot is before each or at it, and how far it is on the way to the next."""
    ahead = np.arange(1, horizon + 1)
    knot = np.clip(np.searchsorted(KNOTS, ahead, "right") - 1, 0, len(KNOTS) - 2)
    knots = np.asarray(KNOTS)
    part = (ahead - knots[knot]) / (knots[knot + 1] - knots[knot])
    return knot.astype(np.int64), part.astype(np.float32)


def nothing() -> Pretrained:
    """No network; it says nothing."""
    table, row, whole = np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    return Pretrained(Weights(table, table, row, table, table, row), whole, whole, whole, whole, whole, row)


def places(columns: Columns) -> tuple[Wholes, Wholes]:
    """Where the features that the network reads are in a bank, and where they are among its inputs."""
    ours, theirs = list(range(OF_THE_SERIES)), list(range(OF_THE_SERIES))
    for place, mark in enumerate(columns.marks.tolist()):
        if mark in MARKS:
            same = OF_THE_SERIES + MARKS.index(mark)
            ours += [columns.linear + place, columns.plain + place]
            theirs += [same, same + len(MARKS)]
    return np.asarray(ours, np.int64), np.asarray(theirs, np.int64)


@compiled
def say_pretrained(
    pretrained: Pretrained,
    features: Floats,
    bases: Floats,
    hidden: Halves,
    cell: Halves,
    scale: Floats,
    still: bool,
    work: Workspace,
    said: Floats,
    errors: Floats,
) -> None:
    """Let the network take its step, and write how far values will move (H,) and its errors (H,), in move scales (H,).

    Parameters
    ----------
    bases : (B, H)
        How far values will move by the bases, in move scales.
    hidden, cell : (U,)
        Its state, which is moved on.
    still
        Whether the series has never moved: then it says that it will not.
    """
    if len(pretrained.ours) == 0:
        fill(said, np.nan)
        fill(errors, 0.0)
        return
    for k in range(len(pretrained.ours)):
        work.x[pretrained.theirs[k]] = features[pretrained.ours[k]]
    for b in range(1, BASES):
        write_marked(bases[b], pretrained.marks, work.read)
        for k in range(len(pretrained.marks)):
            work.x[pretrained.behind[k] + (b - 1) * len(MARKS)] = work.read[k]
    for u in range(len(work.h)):
        work.h[u], work.c[u] = widened(hidden[u]), widened(cell[u])
    think(pretrained.weights, work.x, work.h, work.c, work.gates, work.output)
    for u in range(len(work.h)):
        hidden[u], cell[u] = narrowed(work.h[u]), narrowed(bounded(work.c[u], np.float32(MOST_HALF)))
    near = len(pretrained.knot)
    _write_trust(work.output[2 * near :], work.trust)
    for ahead in range(len(said)):
        last = min(ahead, near - 1)
        knot, part = pretrained.knot[last], pretrained.part[last]
        unit = np.float32(1.0) if ahead == last else scale[last] / scale[ahead]
        move = work.output[last] * unit
        for b in range(BASES):
            trust = work.trust[knot, b] + part * (work.trust[knot + 1, b] - work.trust[knot, b])
            move += trust * bases[b, ahead]
        said[ahead] = move
        errors[ahead] = math.exp(bounded(work.output[near + last], np.float32(LARGEST_LOG)))
    if still:
        fill(said, 0.0)


@compiled
def _write_trust(logits: Floats, trust: Floats) -> None:
    """Write the softmax (K, B) of logits (K B,) at each knot, in which "no move" takes part with a logit of 0."""
    bases = trust.shape[1]
    for k in range(len(trust)):
        largest = np.float32(0.0)
        for b in range(bases):
            largest = max(largest, logits[k * bases + b])
        total = np.float32(math.exp(-largest))
        for b in range(bases):
            trust[k, b] = math.exp(logits[k * bases + b] - largest)
            total += trust[k, b]
        for b in range(bases):
            trust[k, b] /= total

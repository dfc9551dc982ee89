"""The pretrained network: a second LSTM, trained beforehand (`pretraining`, `weights`), which does not learn.

Its carried state is what makes it know a series: it has learnt to learn a series' course from the values that it met.
It reads the features of the series itself and the moves in the marked horizons by the regression on lags and by the
experts that need no network. It tells how far values will move, as a sum of its own move and as much of what those
experts say as it lets through, and how far off that will be. So where they are right it need not repeat them.
Covariates and other series it does not read.

Letters: F features of a bank, I inputs, U units, P horizons of the weights, H horizons of a bank.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import MOST_HALF, Floats, Halves, Real, Wholes, bounded, fill, narrowed, widened
from lstm_stream.cell import Weights, think
from lstm_stream.compiled import compiled
from lstm_stream.features import MARKS, OF_THE_SERIES, Columns

FEATURES = 2
"""Version of what the network reads and tells. Raise it when a feature of the series or a marked move is measured
otherwise: weights that were trained on another version are refused."""
HORIZON = 48
"""P. In longer forecasts its own move is the one that it expects by then."""
INPUTS = OF_THE_SERIES + 2 * len(MARKS)
"""I."""
OUTPUTS = 3
"""Of a horizon: a move, the logarithm of the mean absolute error, and what is let through of the experts' move."""
LARGEST_LOG = 8.0
"""Of an error in move scales, and of the odds of what is let through."""


class Pretrained(NamedTuple):
    """The network, and which features of a bank it reads."""

    weights: Weights  # with a head of 3 min(P, H) outputs: moves, logarithms of errors, what is let through
    ours: Wholes  # places of features among those of the bank
    theirs: Wholes  # places of the same features among the inputs


class Workspace(NamedTuple):
    """Where a step of the network is worked on."""

    x: Floats  # (I,) 0 where the bank has no such feature
    h: Floats  # (U,)
    c: Floats  # (U,)
    gates: Floats  # (4U,)
    output: Floats  # (3 min(P, H),)

    @classmethod
    def of(cls, horizon: int, units: int) -> "Workspace":
        """Of a bank whose network has so many units."""
        single = np.float32
        return cls(
            x=np.zeros(INPUTS, single),
            h=np.zeros(units, single),
            c=np.zeros(units, single),
            gates=np.zeros(4 * units, single),
            output=np.zeros(OUTPUTS * min(HORIZON, horizon), single),
        )


def fitted(weights: Mapping[str, Floats], columns: Columns, horizon: int) -> Pretrained:
    """The network of a bank with these features, and no more horizons than it has."""
    ours, theirs = places(columns)
    kept = [of * HORIZON + ahead for of in range(OUTPUTS) for ahead in range(min(HORIZON, horizon))]
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
    )


def nothing() -> Pretrained:
    """No network; it says nothing."""
    table, row, whole = np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    return Pretrained(Weights(table, table, row, table, table, row), whole, whole)


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
    plain: Floats,
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
    plain : (H,)
        How far the experts that need no network say that values will move, in move scales.
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
    for u in range(len(work.h)):
        work.h[u], work.c[u] = widened(hidden[u]), widened(cell[u])
    think(pretrained.weights, work.x, work.h, work.c, work.gates, work.output)
    for u in range(len(work.h)):
        hidden[u], cell[u] = narrowed(work.h[u]), narrowed(bounded(work.c[u], np.float32(MOST_HALF)))
    near = len(work.output) // OUTPUTS
    for ahead in range(len(said)):
        last = min(ahead, near - 1)
        own = work.output[last] * (scale[last] / scale[ahead])
        said[ahead] = own + _let_through(work.output[2 * near + last]) * plain[ahead]
        errors[ahead] = math.exp(bounded(work.output[near + last], np.float32(LARGEST_LOG)))
    if still:
        fill(said, 0.0)


@compiled
def _let_through(gate: Real) -> Real:
    """A share, 0 to 1."""
    return np.float32(1.0 / (1.0 + math.exp(-bounded(gate, np.float32(LARGEST_LOG)))))

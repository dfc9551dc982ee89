"""The pretrained network: a second LSTM, trained on generated series (`pretraining`), which does not learn.

Its carried state is what makes it know a series: it has learnt to learn a series' course from the values that it met.
It reads the features of the series itself and the moves in the marked horizons by the regression on lags and by the
experts that need no network. Covariates and other series it does not read.

Letters: F features of a bank, I inputs, U units, P horizons of the weights, H horizons of a bank.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load

from lstm_stream.arithmetic import Floats, Wholes, fill
from lstm_stream.cell import Weights, think
from lstm_stream.compiled import compiled
from lstm_stream.features import MARKS, OF_THE_SERIES, Columns

FILE = "pretrained.safetensors"
UNITS = 64
"""U of the weights in the package."""
HORIZON = 48
"""P. In longer forecasts the series stays where it is expected then."""
INPUTS = OF_THE_SERIES + 2 * len(MARKS)
"""I."""


class Pretrained(NamedTuple):
    """The network, and which features of a bank it reads."""

    weights: Weights
    ours: Wholes  # places of features among those of the bank
    theirs: Wholes  # places of the same features among the inputs


class Workspace(NamedTuple):
    """Where a step of the network is worked on."""

    x: Floats  # (I,) 0 where the bank has no such feature
    gates: Floats  # (4U,)
    output: Floats  # (min(P, H),)

    @classmethod
    def of(cls, horizon: int) -> "Workspace":
        """Of a bank."""
        single = np.float32
        return cls(np.zeros(INPUTS, single), np.zeros(4 * UNITS, single), np.zeros(min(HORIZON, horizon), single))


@cache
def packaged() -> Mapping[str, Floats]:
    """The weights in the package, by the names of `Network`."""
    weights: Mapping[str, Floats] = load((files("lstm_stream") / FILE).read_bytes())
    return weights


def fitted(weights: Mapping[str, Floats], columns: Columns, horizon: int) -> Pretrained:
    """The network of a bank with these features, and no more horizons than it has."""
    ours, theirs = places(columns)
    head = np.ascontiguousarray(weights["head.weight"][:horizon].T)
    return Pretrained(
        Weights(
            features=np.ascontiguousarray(weights["lstm.weight_ih_l0"].T),
            hidden=np.ascontiguousarray(weights["lstm.weight_hh_l0"].T),
            bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
            head_hidden=head[:UNITS].copy(),
            head_features=head[UNITS:].copy(),
            head_bias=weights["head.bias"][:horizon].copy(),
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
    h: Floats,
    c: Floats,
    scale: Floats,
    still: bool,
    work: Workspace,
    said: Floats,
) -> None:
    """Let the network take its step, and write how far values will move (H,), in move scales (H,).

    Parameters
    ----------
    still
        Whether the series has never moved: then it says that it will not.
    """
    if len(pretrained.ours) == 0:
        fill(said, np.nan)
        return
    for k in range(len(pretrained.ours)):
        work.x[pretrained.theirs[k]] = features[pretrained.ours[k]]
    think(pretrained.weights, work.x, h, c, work.gates, work.output)
    last = len(work.output) - 1
    for ahead in range(len(said)):
        said[ahead] = work.output[ahead] if ahead <= last else work.output[last] * (scale[last] / scale[ahead])
    if still:
        fill(said, 0.0)

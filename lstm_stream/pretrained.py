"""The weights that a network begins with: trained on generated series, shipped with the package.

They belong to the features of `pretraining.examples`: those of the series itself, then the moves in the marked horizons
by the regression on lags and by the experts that need no network. Covariates and other series begin without weights.

Letters: F features, P marked horizons, U units, H horizons.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from safetensors.numpy import load

from lstm_stream.arithmetic import Floats
from lstm_stream.features import MARKS, OF_THE_SERIES, Columns
from lstm_stream.network import Network

FILE = "pretrained.safetensors"
UNITS = 64
"""U of the weights in the package. A network of another width begins with random ones."""
HORIZON = 48
"""H of the weights in the package. A longer forecast says "no change" behind it until it has learnt."""
INPUTS = OF_THE_SERIES + 2 * len(MARKS)
"""F of the weights in the package."""


@cache
def packaged() -> Mapping[str, Floats]:
    """The weights in the package, by the names of `Network`."""
    return load((files("lstm_stream") / FILE).read_bytes())


def begin(network: Network, columns: Columns, weights: Mapping[str, Floats]) -> None:
    """Let a network begin with pretrained weights, as far as it has their features and horizons."""
    ours, theirs = places(columns)
    units, horizon = network.units, min(network.horizon, HORIZON)
    fitted = {name: np.zeros_like(array) for name, array in network.dump().items()}
    for name in ("lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"):
        fitted[name][:] = weights[name]
    fitted["lstm.weight_ih_l0"][:, ours] = weights["lstm.weight_ih_l0"][:, theirs]
    head, pretrained = fitted["head.weight"], weights["head.weight"]
    head[:horizon, :units] = pretrained[:horizon, :units]
    head[:horizon, units + ours] = pretrained[:horizon, units + theirs]
    fitted["head.bias"][:horizon] = weights["head.bias"][:horizon]
    network.load(fitted)


def places(
    columns: Columns,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Where features of a bank are, and where the same features of the pretrained weights are."""
    ours, theirs = list(range(OF_THE_SERIES)), list(range(OF_THE_SERIES))
    for place, mark in enumerate(columns.marks.tolist()):
        if mark in MARKS:
            same = OF_THE_SERIES + MARKS.index(mark)
            ours += [columns.linear + place, columns.plain + place]
            theirs += [same, same + len(MARKS)]
    return np.asarray(ours), np.asarray(theirs)

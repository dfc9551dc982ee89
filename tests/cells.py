"""The compiled LSTM cell, one step of several rows at a time."""

import numpy as np

from lstm_stream.arithmetic import Floats
from lstm_stream.cell import Weights, think
from lstm_stream.compiled import entry
from lstm_stream.network import Network


@entry
def thought(weights: Weights, x: Floats, hidden: Floats, cell: Floats, output: Floats) -> None:
    """Let rows x (N, F) with states (N, U) take a step each; states are moved on, outputs (N, H) written."""
    gates = np.empty(len(weights.bias), np.float32)
    for n in range(len(x)):
        think(weights, x[n], hidden[n], cell[n], gates, output[n])


def stepped(network: Network, x: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
    """Hidden state, cell state and output after one step of the compiled cell."""
    hidden, cell, output = hidden.copy(), cell.copy(), np.zeros((len(x), network.horizon), np.float32)
    thought(network.cell(), np.ascontiguousarray(x), hidden, cell, output)
    return hidden, cell, output

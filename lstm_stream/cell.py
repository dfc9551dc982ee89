"""The LSTM cell and its head, as the equations are, for one series.

Letters: F features, U units, H horizons.
"""

from typing import NamedTuple

from lstm_stream.arithmetic import Floats, add_product, copy, sigmoid, tanh
from lstm_stream.compiled import compiled


class Weights(NamedTuple):
    """Weights of the network, one column an output."""

    features: Floats  # (F, 4U) of the gates on the features: input, forget, candidate, output
    hidden: Floats  # (U, 4U) of the gates on the hidden state
    bias: Floats  # (4U,)
    head_hidden: Floats  # (U, H)
    head_features: Floats  # (F, H)
    head_bias: Floats  # (H,)


@compiled
def think(weights: Weights, x: Floats, h: Floats, c: Floats, gates: Floats, output: Floats) -> None:
    r"""Let the network take one step: hidden state h and cell state c (U,) are moved on, the output (H,) is written.

    With the features x and the hidden state before::

        i = sigmoid(W_i x + U_i h + b_i)      input gate: what is written
        f = sigmoid(W_f x + U_f h + b_f)      forget gate: what is kept
        g = tanh   (W_g x + U_g h + b_g)      what would be written
        o = sigmoid(W_o x + U_o h + b_o)      output gate: what is shown
        c = f * c + i * g
        h = o * tanh(c)

    `gates` (4U,) is room to work in.
    """
    units = len(h)
    copy(weights.bias, gates)
    add_product(gates, x, weights.features)
    add_product(gates, h, weights.hidden)
    for u in range(units):
        i, f = sigmoid(gates[u]), sigmoid(gates[units + u])
        g, o = tanh(gates[2 * units + u]), sigmoid(gates[3 * units + u])
        c[u] = f * c[u] + i * g
        h[u] = o * tanh(c[u])
    copy(weights.head_bias, output)
    add_product(output, h, weights.head_hidden)
    add_product(output, x, weights.head_features)

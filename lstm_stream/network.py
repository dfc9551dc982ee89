"""The stateful LSTM, and the head that reads all horizons from it in one pass.

Letters: N rows, W steps of a window, B windows, F inputs, U units, H horizons.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lstm_stream.arithmetic import Floats
from lstm_stream.cell import Weights


class Gates(NamedTuple):
    """Mean activations, 0 to 1: what share of the memory is kept, written and shown."""

    forget: float
    input: float
    output: float


class Windows(NamedTuple):
    """Stretches of several series' past, each with the state that was carried into it."""

    inputs: Floats  # (B, W, F)
    hidden: Floats  # (B, U)
    cell: Floats  # (B, U)
    targets: Floats  # (B, W, H)
    known: npt.NDArray[np.bool_]  # (B, W, H): a target that has come and was observed


class Network(nn.Module):
    r"""An LSTM shared by all series of a shard, with a linear head on its hidden state and its input.

    With the input :math:`x_t`, the hidden state :math:`h_{t-1}` and the cell state :math:`c_{t-1}`::

        i = sigmoid(W_i x + U_i h + b_i)      input gate: what is written
        f = sigmoid(W_f x + U_f h + b_f)      forget gate: what is kept
        g = tanh   (W_g x + U_g h + b_g)      what would be written
        o = sigmoid(W_o x + U_o h + b_o)      output gate: what is shown
        c = f * c + i * g                     the memory, carried along by a product and a sum
        h = o * tanh(c)

    b_f starts at 1, so that a young network remembers (Gers, Schmidhuber and Cummins 2000; Jozefowicz, Zaremba and
    Sutskever 2015). The head starts at 0: a network that has learnt nothing says "no change".

    Parameters
    ----------
    inputs, units, horizon
        F, U and H.
    seed
        Of the initial weights; torch's global generator is neither used nor moved.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997).
    """

    def __init__(self, inputs: int, units: int, horizon: int, seed: int = 0) -> None:
        super().__init__()
        self.units, self.horizon = units, horizon
        self.lstm: nn.LSTM = nn.LSTM(inputs, units, device="meta").to_empty(device="cpu")
        self.head: nn.Linear = nn.Linear(units + inputs, horizon, device="meta").to_empty(device="cpu")
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            for weights in self.parameters():
                weights.uniform_(-(self.units**-0.5), self.units**-0.5, generator=generator)
            named = dict(self.named_parameters())
            named["lstm.bias_ih_l0"][self.units : 2 * self.units] = 1.0  # the forget gate's
            named["lstm.bias_hh_l0"][self.units : 2 * self.units] = 0.0
            named["head.weight"].zero_()
            named["head.bias"].zero_()

    def unroll(self, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
        """Outputs (W, B, H) along windows x (W, B, F) that start from hidden and cell state (B, U)."""
        shown, _ = self.lstm(x, (hidden[None], cell[None]))
        outputs: torch.Tensor = self.head(torch.cat([shown, x], 2))
        return outputs

    def cell(self) -> Weights:
        """The weights for the compiled cell; a copy."""
        weights, horizon, units = self.dump(), self.horizon, self.units
        transposed = {name: np.ascontiguousarray(array.T) for name, array in weights.items()}
        head = transposed["head.weight"]
        return self.seen(
            Weights(
                features=transposed["lstm.weight_ih_l0"],
                hidden=transposed["lstm.weight_hh_l0"],
                bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
                head_hidden=head[:units],
                head_features=head[units:],
                head_bias=weights["head.bias"][:horizon],
            )
        )

    @classmethod
    def seen(cls, weights: Weights) -> Weights:
        """The weights that the compiled cell sees, of this network and of the pretrained one: these.

        A subclass may take something away, to measure what it is worth.
        """
        return weights

    def gates(self, x: Floats, hidden: Floats) -> Gates:
        """Mean activations of the gates for inputs (N, F) that meet hidden states (N, U)."""
        return Gates(*(float(gate.mean()) for gate in self.activations(x, hidden)))

    def activations(self, x: Floats, hidden: Floats) -> tuple[Floats, Floats, Floats]:
        """Activations (N,) of the forget, the input and the output gate, each the mean over the units."""
        weights = self.dump()
        sums = x @ weights["lstm.weight_ih_l0"].T + weights["lstm.bias_ih_l0"]  # (N, 4U), the gates in torch's order
        sums += hidden @ weights["lstm.weight_hh_l0"].T + weights["lstm.bias_hh_l0"]
        written, kept, _, shown = np.split(1.0 / (1.0 + np.exp(np.clip(-sums, -80.0, 80.0))), 4, axis=1)
        return kept.mean(1), written.mean(1), shown.mean(1)

    def dump(self) -> dict[str, Floats]:
        """Weights by name; a copy."""
        return {name: weights.detach().cpu().numpy().copy() for name, weights in self.named_parameters()}

    def load(self, weights: dict[str, Floats]) -> None:
        """Take the weights of a `dump`."""
        self.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})

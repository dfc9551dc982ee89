"""The stateful LSTM, and the head that reads all horizons from it in one pass.

Letters: N rows, W steps of a window, B windows, F inputs, U units, H horizons.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import linear

Floats = npt.NDArray[np.float32]

LARGEST_RATIO = 1e18
"""What is further out, in any unit, counts as this: single precision holds its square."""

FEWEST_ROWS = 8
"""Below this many rows a matrix product takes another path, with other last bits: smaller rounds are padded."""
MOST_ROWS = 2048
FEWEST_OUTPUTS = 24
"""A ``Linear`` with fewer outputs gives a row other bits in another batch: a narrower head is padded."""


class Step(NamedTuple):
    """What one step of the network gives back."""

    hidden: Floats  # (N, U)
    cell: Floats  # (N, U)
    output: Floats  # (N, H)


class Gates(NamedTuple):
    """Mean activations, 0 to 1: what share of the memory is kept, written and shown."""

    forget: float
    input: float
    output: float


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
        outputs = max(horizon, FEWEST_OUTPUTS)
        self.head: nn.Linear = nn.Linear(units + inputs, outputs, device="meta").to_empty(device="cpu")
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
        return outputs[..., : self.horizon]

    @torch.inference_mode()
    def step(self, x: Floats, hidden: Floats, cell: Floats) -> Step:
        """One step of N series: each row has the same bits in any company and order.

        Parameters
        ----------
        x : (N, F)
        hidden, cell : (N, U)
        """
        rows = len(x)
        starts = range(0, rows, MOST_ROWS)
        parts = [self._step(*(a[i : i + MOST_ROWS] for a in (x, hidden, cell))) for i in starts]
        return Step(*(np.concatenate(part) for part in zip(*parts, strict=True))) if rows > MOST_ROWS else parts[0]

    def _step(self, x: Floats, hidden: Floats, cell: Floats) -> Step:
        rows = len(x)
        x_, hidden_, cell_ = (torch.from_numpy(_padded(a)) for a in (x, hidden, cell))
        _, (shown, kept) = self.lstm(x_[None], (hidden_[None], cell_[None]))
        output = self.head(torch.cat([shown[0], x_], 1))[:, : self.horizon]
        return Step(shown[0, :rows].numpy(), kept[0, :rows].numpy(), output[:rows].numpy())

    def gates(self, x: Floats, hidden: Floats) -> Gates:
        """Mean activations of the gates for inputs (N, F) that meet hidden states (N, U)."""
        weights = self.dump()
        sums = x @ weights["lstm.weight_ih_l0"].T + weights["lstm.bias_ih_l0"]  # (N, 4U), the gates in torch's order
        sums += hidden @ weights["lstm.weight_hh_l0"].T + weights["lstm.bias_hh_l0"]
        written, kept, _, shown = np.split(1.0 / (1.0 + np.exp(np.clip(-sums, -80.0, 80.0))), 4, axis=1)
        return Gates(float(kept.mean()), float(written.mean()), float(shown.mean()))

    def dump(self) -> dict[str, Floats]:
        """Weights by name; a copy."""
        return {name: weights.detach().numpy().copy() for name, weights in self.named_parameters()}

    def load(self, weights: dict[str, Floats]) -> None:
        """Take the weights of a `dump`."""
        self.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})


@torch.inference_mode()
def product(rows: Floats, weights: Floats) -> Floats:
    """``rows @ weights.T`` (N, O), each row with the same bits in any company and order.

    Parameters
    ----------
    rows : (N, F)
    weights : (O, F)
    """
    outputs = torch.from_numpy(_padded(weights, FEWEST_OUTPUTS))
    parts = [torch.from_numpy(_padded(rows[i : i + MOST_ROWS])) for i in range(0, len(rows), MOST_ROWS)]
    result = np.concatenate([linear(part, outputs).numpy() for part in parts])
    return result[: len(rows), : len(weights)]


def ratio(values: npt.NDArray[np.floating], units: npt.NDArray[np.floating]) -> Floats:
    """``values / units`` in single precision, bounded by `LARGEST_RATIO`: values may be 1e30, units 1e-12."""
    exact = np.divide(values, units, dtype=np.float64)
    bounded: Floats = np.clip(exact, -LARGEST_RATIO, LARGEST_RATIO).astype(np.float32)
    return bounded


def positive_ratio(values: Floats, units: Floats) -> Floats:
    """The `ratio` of positive values to positive units, never zero."""
    return np.maximum(ratio(values, units), np.float32(1.0 / LARGEST_RATIO))


def _padded(rows: Floats, fewest: int = FEWEST_ROWS) -> Floats:
    if len(rows) >= fewest:
        return np.ascontiguousarray(rows)
    padded = np.zeros((fewest, rows.shape[1]), np.float32)
    padded[: len(rows)] = rows
    return padded

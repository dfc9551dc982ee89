"""Networks that lack something, to measure what it is worth."""

import numpy as np
import torch

from lstm_stream.cell import Weights
from lstm_stream.network import Network

SHUT = -1e3
"""A bias that keeps a gate shut."""


class Absent(Network):
    """Says "no change", and has no hidden state: what is left of a bank is all but the LSTM."""

    def unroll(self, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Outputs (W, B, H), all 0."""
        return self.head.weight.sum() * torch.zeros(*x.shape[:2], self.horizon)

    @classmethod
    def seen(cls, weights: Weights) -> Weights:
        """Weights of which all states and outputs are 0."""
        return Weights(*(np.zeros_like(one) for one in weights))


class Forgetful(Network):
    """Starts from h = c = 0 at every step, in learning too: what is left is a network that looks at x alone."""

    def unroll(self, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Outputs (W, B, H) of each step by itself."""
        steps, windows, _ = x.shape
        nothing = torch.zeros(steps * windows, hidden.shape[1])
        return super().unroll(x.reshape(1, steps * windows, -1), nothing, nothing).reshape(steps, windows, -1)

    @classmethod
    def seen(cls, weights: Weights) -> Weights:
        """Weights of which what was carried to a step counts for nothing: the forget gate is shut."""
        units = len(weights.hidden)
        weights.hidden[:] = 0.0
        weights.bias[units : 2 * units] = SHUT
        weights.features[:, units : 2 * units] = 0.0
        return weights

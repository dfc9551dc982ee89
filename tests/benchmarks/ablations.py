"""Networks that lack something, to measure what it is worth."""

import numpy as np
import torch

from lstm_stream.network import Floats, Network, Step


class Absent(Network):
    """Says "no change", and has no hidden state: what is left of a bank is all but the LSTM."""

    def unroll(self, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Outputs (W, B, H), all 0."""
        return self.head.weight.sum() * torch.zeros(*x.shape[:2], self.horizon)

    def step(self, x: Floats, hidden: Floats, cell: Floats) -> Step:
        """States (N, U) and outputs (N, H), all 0."""
        return Step(np.zeros_like(hidden), np.zeros_like(cell), np.zeros((len(x), self.horizon), np.float32))


class Forgetful(Network):
    """Starts from h = c = 0 at every step, in learning too: what is left is a network that looks at x alone."""

    def unroll(self, x: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Outputs (W, B, H) of each step by itself."""
        steps, windows, _ = x.shape
        nothing = torch.zeros(steps * windows, hidden.shape[1])
        return super().unroll(x.reshape(1, steps * windows, -1), nothing, nothing).reshape(steps, windows, -1)

    def step(self, x: Floats, hidden: Floats, cell: Floats) -> Step:
        """One step (N, F) of N series; what was carried to it counts for nothing."""
        return super().step(x, np.zeros_like(hidden), np.zeros_like(cell))

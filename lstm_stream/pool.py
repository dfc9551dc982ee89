"""What the series of a shard know together, brought up to date at fixed counts of steps.

Letters: M steps since it was last brought up to date, Z regressors, P of them without h, H horizons, E experts,
K scored horizons.
"""

import numpy as np
import numpy.typing as npt
import torch

from lstm_stream.columns import Array
from lstm_stream.network import Floats
from lstm_stream.readout import PRIOR, SPAN

RIDGE = 30.0
"""What the sum of the squares of each regressor starts from."""
FEWEST_STEPS, MOST_STEPS = 16, 512
"""From one time to the next."""
LOSS_SPAN = 500.0
"""Memory of the experts' losses, in steps of a series."""
BELIEF = 20.0
"""Errors that the losses assumed at the start are worth."""


class Pool:
    """Covariance of the regressors, the readout weights that are best for all, and how good each expert is.

    What a step has to add is kept at its place in the log until the count is full, and is then added in the order of
    the log: so the sums do not depend on how the log came in.

    Parameters
    ----------
    inputs, units, horizon
        F, U and H.
    losses : (E, K)
        What is assumed of the experts at the start, in squared reaches.
    """

    def __init__(self, inputs: int, units: int, horizon: int, losses: Floats) -> None:
        self._inputs, self._horizon = 1 + inputs, horizon
        width = 1 + inputs + units
        self._rows = np.zeros((MOST_STEPS, width + horizon), np.float32)
        self._errors = np.zeros((MOST_STEPS, *losses.shape), np.float32)
        self._assumed = losses
        self._products = np.zeros((width, width + horizon))  # sum of z z' and of z targets'
        self._loss = np.zeros((2, *losses.shape))  # sum and count
        self.gains, self.shared, self.losses = self._solved()

    @staticmethod
    def interval(series: int) -> int:
        """Steps from one time to the next."""
        return min(max(FEWEST_STEPS, series), MOST_STEPS)

    def note(self, place: npt.NDArray[np.int64], regressors: Floats, targets: Floats, errors: Floats) -> None:
        """Keep what these steps have to add; zeros and NaN add nothing.

        Parameters
        ----------
        place : (N,)
            Steps since the last time.
        regressors : (N, Z)
        targets : (N, H)
        errors : (N, E, K)
            Squared.
        """
        self._rows[place] = np.concatenate([regressors, targets], 1)
        self._errors[place] = errors

    def fold(self, steps: int, series: int) -> None:
        """Add what was kept of so many steps."""
        rows = torch.from_numpy(self._rows[:steps].astype(np.float64))
        width = len(self._products)
        self._products *= (1.0 - 1.0 / (SPAN * series)) ** steps
        self._products += (rows[:, :width].T @ rows).numpy()
        self._loss *= (1.0 - 1.0 / (LOSS_SPAN * series)) ** steps
        errors = self._errors[:steps]
        self._loss += np.stack([np.nansum(errors, 0, dtype=np.float64), (~np.isnan(errors)).sum(0)])
        self.gains, self.shared, self.losses = self._solved()

    def _solved(self) -> tuple[Floats, Floats, Floats]:
        """Inverse covariances (P + Z, Z), the weights best for all (2H, Z), and losses (E, K)."""
        width, plain = len(self._products), self._inputs
        mass = self._products[0, 0] + PRIOR  # the first regressor is 1
        gains, shared = np.zeros((plain + width, width)), np.zeros((2 * self._horizon, width))
        for size, gain, weights in (
            (plain, gains[:plain], shared[: self._horizon]),
            (width, gains[plain:], shared[self._horizon :]),
        ):
            inverse = torch.from_numpy(self._products[:size, :size] + RIDGE * np.eye(size))
            inverse = torch.cholesky_inverse(torch.linalg.cholesky(inverse))
            gain[:, :size] = inverse.numpy() * mass
            weights[:, :size] = (torch.from_numpy(self._products[:size, width:].T.copy()) @ inverse).numpy()
        losses = (self._loss[0] + BELIEF * self._assumed) / (self._loss[1] + BELIEF)
        return gains.astype(np.float32), shared.astype(np.float32), losses.astype(np.float32)

    def dump(self, waiting: int) -> dict[str, Array]:
        """Sums, and what was kept of so many steps; a copy."""
        return {
            "products": self._products.copy(),
            "loss": self._loss.copy(),
            "rows": self._rows[:waiting].copy(),
            "errors": self._errors[:waiting].copy(),
        }

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the state of a `dump`."""
        self._products[:], self._loss[:] = arrays["products"], arrays["loss"]
        self._rows[: len(arrays["rows"])] = arrays["rows"]
        self._errors[: len(arrays["errors"])] = arrays["errors"]
        self.gains, self.shared, self.losses = self._solved()

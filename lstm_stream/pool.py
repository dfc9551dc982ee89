"""What the series of a shard know together, brought up to date at fixed counts of steps.

Letters: Z regressors, H horizons, E experts, K scored horizons; R: see `Readouts`.
"""

import numpy as np
import numpy.typing as npt
import torch

from lstm_stream.columns import Array
from lstm_stream.faults import RAISED, check_finite
from lstm_stream.network import Floats
from lstm_stream.readout import ONE, PRIOR, SPAN

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
    inputs, base, units, horizon
        F, how many of the first of them are not predictions themselves, U and H.
    losses : (E, K)
        What is assumed of the experts at the start, in squared reaches.
    """

    def __init__(self, inputs: int, base: int, units: int, horizon: int, losses: Floats) -> None:
        width = ONE + 1 + inputs + units
        self._base_end = ONE + 1 + base
        self._horizon = horizon
        self._rows = np.zeros((MOST_STEPS, width + 2 * horizon), np.float32)
        self._errors = np.zeros((MOST_STEPS, *losses.shape), np.float32)
        self._assumed = losses
        self._products = np.zeros((width, width + 2 * horizon))  # sum of z z' and of z targets'
        self._loss = np.zeros((2, *losses.shape))  # sum and count
        self._solve()

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
        targets : (N, 2H)
            Moves, then what is to be corrected of those said without the network.
        errors : (N, E, K)
            Squared.
        """
        if len(place) and place[-1] >= len(self._rows):
            self._make_room(int(place[-1]) + 1)
        self._rows[place] = np.concatenate([regressors, targets], 1)
        self._errors[place] = errors

    def note_nothing(self, place: npt.NDArray[np.int64]) -> None:
        """Let these steps have nothing to add."""
        regressors, targets = np.split(
            np.zeros((len(place), self._rows.shape[1]), np.float32), [len(self._products)], 1
        )
        self.note(place, regressors, targets, np.full((len(place), *self._assumed.shape), np.nan, np.float32))

    def _make_room(self, steps: int) -> None:
        more = steps - len(self._rows)
        self._rows = np.concatenate([self._rows, np.zeros((more, *self._rows.shape[1:]), np.float32)])
        self._errors = np.concatenate([self._errors, np.zeros((more, *self._errors.shape[1:]), np.float32)])

    def fold(self, steps: int, series: int) -> None:
        """Add what was kept of so many steps; where that raises, all is as it was before."""
        before = self._products.copy(), self._loss.copy()
        try:
            self._add(steps, series)
            self._solve()
        except RAISED:
            self._products, self._loss = before
            raise

    def _add(self, steps: int, series: int) -> None:
        rows = torch.from_numpy(self._rows[:steps].astype(np.float64))
        width = len(self._products)
        self._products *= (1.0 - 1.0 / (SPAN * series)) ** steps
        self._products += (rows[:, :width].T @ rows).numpy()
        self._loss *= (1.0 - 1.0 / (LOSS_SPAN * series)) ** steps
        errors = self._errors[:steps]
        self._loss += np.stack([np.nansum(errors, 0, dtype=np.float64), (~np.isnan(errors)).sum(0)])

    def _solve(self) -> None:
        """Gains (R, R); weights best for all on what own readouts read, on everything, and on lags alone."""
        width, horizon = len(self._products), self._horizon
        moves, left = slice(width, width + horizon), slice(width + horizon, None)
        gains, weights = self._regression(slice(ONE, width), left)
        shared = np.zeros((2 * horizon, width), np.float32)
        shared[:horizon, ONE:] = weights
        shared[horizon:] = self._regression(slice(0, width), left)[1]
        on_lags = np.ascontiguousarray(self._regression(slice(0, self._base_end), moves)[1])  # (H, base)
        losses = ((self._loss[0] + BELIEF * self._assumed) / (self._loss[1] + BELIEF)).astype(np.float32)
        check_finite(gains=gains, weights=shared, on_lags=on_lags, losses=losses)
        self.gains, self.weights, self.shared, self.on_lags, self.losses = gains, weights, shared, on_lags, losses

    def _regression(self, of: slice, targets: slice) -> tuple[Floats, Floats]:
        """Inverse covariance of some of the regressors, (F, F), and the weights on them best for all, (H, F)."""
        width = len(self._products)
        squares, crossed = self._products[of, :width][:, of], self._products[of, targets]
        factor = torch.linalg.cholesky(torch.from_numpy(squares + RIDGE * np.eye(len(squares))))
        inverse = torch.cholesky_inverse(factor)
        weights = torch.from_numpy(np.ascontiguousarray(crossed.T)) @ inverse
        mass = self._products[ONE, ONE] + PRIOR
        return (inverse * mass).float().numpy(), weights.float().numpy()

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
        self._solve()

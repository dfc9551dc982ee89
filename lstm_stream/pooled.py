"""What the series of a shard know together, brought up to date at fixed counts of steps.

Letters: Z regressors, R of them 1, features and hidden state, B of the first features and lags, H horizons, E experts,
K scored horizons.
"""

from typing import NamedTuple

import numpy as np
import torch

from lstm_stream.arithmetic import Doubles, Floats
from lstm_stream.columns import Array, dumped, fill, named
from lstm_stream.faults import RAISED
from lstm_stream.notes import Notes
from lstm_stream.readout import ONE, PRIOR, SPAN

RIDGE = 30.0
"""What the sum of the squares of each regressor starts from."""
FEWEST_STEPS, MOST_STEPS = 16, 512
"""From one fold to the next."""
SPARING = 16
"""A fold is due when the steps so far have grown by this part. A fold takes some milliseconds."""
LOSS_SPAN = 500.0
"""Memory of the experts' losses, in steps of a series."""
BELIEF = 20.0
"""Errors that the losses assumed at the start are worth."""


class Regressions(NamedTuple):
    """Weights that are best for all series."""

    inverse: Floats  # (R, R) inverse covariance of what the series' own readouts read
    own: Floats  # (R, H) of the readouts that series start from
    on_lags: Floats  # (B, H) moves by lags and the features of the series itself


class Pooled:
    """Covariance of the regressors, the weights that are best for all, and how good each expert is.

    Parameters
    ----------
    features, own, units, horizon
        F, how many of the first of them are of the series itself, U and H.
    losses : (E, K)
        What is assumed of the experts at the start, in squared move scales.
    """

    def __init__(self, features: int, own: int, units: int, horizon: int, losses: Floats) -> None:
        width = ONE + 1 + features + units
        self._own_end = ONE + 1 + own
        self._horizon = horizon
        self._assumed = losses
        self._products: Doubles = np.zeros((width, width + 2 * horizon))  # sum of z z' and of z targets'
        self._loss: Doubles = np.zeros((2, *losses.shape))  # sum and count
        self.notes = Notes.room(MOST_STEPS, width + 2 * horizon, *losses.shape)
        self._solve()

    @staticmethod
    def interval(series: int, steps: int) -> int:
        """Steps from one fold to the next, of so many series after so many steps: the more is known, the longer."""
        return min(max(FEWEST_STEPS, series, steps // SPARING), MOST_STEPS)

    def make_room(self, steps: int) -> None:
        """Let there be notes of so many steps since the last time."""
        if steps > len(self.notes.rows):
            before = self.notes
            self.notes = Notes.room(steps, before.rows.shape[1], *self.losses.shape)
            fill(self.notes, named(before))

    def fold(self, steps: int, series: int) -> None:
        """Add the notes of so many steps; where that raises, all is as it was before."""
        before = self._products.copy(), self._loss.copy()
        try:
            self._add(steps, series)
            self._solve()
        except RAISED:
            self._products, self._loss = before
            raise

    def _add(self, steps: int, series: int) -> None:
        rows = torch.from_numpy(self.notes.rows[:steps].astype(np.float64))
        width = len(self._products)
        self._products *= (1.0 - 1.0 / (SPAN * series)) ** steps
        self._products += (rows[:, :width].T @ rows).numpy()
        self._loss *= (1.0 - 1.0 / (LOSS_SPAN * series)) ** steps
        errors = self.notes.losses[:steps]
        self._loss += np.stack([np.nansum(errors, 0, dtype=np.float64), (~np.isnan(errors)).sum(0)])

    def _solve(self) -> None:
        width, horizon = len(self._products), self._horizon
        moves, left = slice(width, width + horizon), slice(width + horizon, None)
        inverse, own = self._regression(slice(ONE, width), left)
        on_lags = self._regression(slice(0, self._own_end), moves)[1]
        losses = ((self._loss[0] + BELIEF * self._assumed) / (self._loss[1] + BELIEF)).astype(np.float32)
        for found in (inverse, own, on_lags, losses):
            if not np.isfinite(found).all():
                raise ArithmeticError("a pooled regression is not finite")
        self.regressions, self.losses = Regressions(inverse, own, on_lags), losses

    def _regression(self, of: slice, targets: slice) -> tuple[Floats, Floats]:
        """Inverse covariance of some of the regressors, (F, F), and the weights on them best for all, (F, H)."""
        width = len(self._products)
        squares, crossed = self._products[of, :width][:, of], self._products[of, targets]
        factor = torch.linalg.cholesky(torch.from_numpy(squares + RIDGE * np.eye(len(squares))))
        inverse = torch.cholesky_inverse(factor)
        weights = inverse @ torch.from_numpy(np.ascontiguousarray(crossed))
        mass = self._products[ONE, ONE] + PRIOR
        return (inverse * mass).float().contiguous().numpy(), weights.float().contiguous().numpy()

    def dump(self, waiting: int) -> dict[str, Array]:
        """Sums, and the notes of so many steps; a copy."""
        sums = {"products": self._products.copy(), "loss": self._loss.copy()}
        return sums | dumped(self.notes, waiting)

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the state of a `dump`."""
        self._products[:], self._loss[:] = arrays["products"], arrays["loss"]
        self.make_room(len(arrays["rows"]))
        fill(self.notes, arrays)
        self._solve()

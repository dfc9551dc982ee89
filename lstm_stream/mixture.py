"""How much each expert has to say, by how wrong it was of late.

Letters: S series, N rows of a round, E experts, K scored horizons, H horizons, O open forecasts of a series.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.intervals import MOST_HALF
from lstm_stream.network import Floats
from lstm_stream.readout import edges

SCORED = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons at which errors are kept, and the longest."""
DISCOUNT = 0.998
"""Of past squared errors, a step."""
PATIENCE = 20.0
"""Errors of its own that a series' experts must have had until these count as much as those of the other series."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
LARGEST_MOVE = 10.0
"""In reaches; no expert may say more."""
TINY = 1e-6


@dataclass
class Mixture(Columns):
    """Discounted squared errors of each expert of each series at a few horizons, and the weights that follow.

    A weight is the loss to the power of -4: near enough to picking the best, and still the mean of those as good
    (Bates and Granger 1969, "The combination of forecasts"; Stock and Watson 2004 discount past errors, with powers
    of -1 and -2). Between two scored horizons weights are
    interpolated over the logarithm of the horizon.
    """

    open: npt.NDArray[np.float16]  # (S, E, O) moves in spreads; of horizon k and step t at (those before) + t % k
    loss: Floats  # (S, E, K) sum of squared errors, in reaches
    mass: Floats  # (S, E, K) their number
    lstm_share: Floats  # (S,) of the newest forecast

    @classmethod
    def empty(cls, experts: int, horizon: int) -> "Mixture":
        """The mixture of no series."""
        scored = edges(SCORED, horizon)
        return cls(
            open=np.zeros((0, experts, sum(scored)), np.float16),
            loss=np.zeros((0, experts, len(scored)), np.float32),
            mass=np.zeros((0, experts, len(scored)), np.float32),
            lstm_share=np.zeros(0, np.float32),
        )

    def score(self, rows: Rows, step: npt.NDArray[np.int64], moved: Floats, unit: Floats) -> Floats:
        """Squared errors (N, E, K) of what was said of these steps, NaN where nothing was.

        Parameters
        ----------
        moved : (N, H)
            How far the value lies from where it was so many steps before, in spreads of then; NaN: not known.
        unit : (N, H)
            A reach, in the same spreads.
        """
        scored, slot = _slots(step, moved.shape[1])
        moved, unit = moved[:, scored - 1], unit[:, scored - 1]
        told = self.open[rows[:, None], :, slot].astype(np.float32)  # (N, K, E)
        error = np.clip((moved[:, :, None] - told) / unit[:, :, None], -LARGEST_ERROR, LARGEST_ERROR)
        squared: Floats = np.ascontiguousarray((error * error).transpose(0, 2, 1))
        there = ~np.isnan(squared)
        came = there.any(1, keepdims=True)
        faded = np.where(came, np.float32(DISCOUNT), np.float32(1.0))
        self.loss[rows] = faded * self.loss[rows] + np.where(there, squared, np.float32(0.0))
        self.mass[rows] = faded * self.mass[rows] + there
        return squared

    def weights(self, rows: Rows, there: npt.NDArray[np.bool_], prior: Floats, horizon: int) -> Floats:
        """Weights (N, E, H) of the experts that are there (N, E), given what is known of them in general (E, K)."""
        loss = (self.loss[rows] + np.float32(PATIENCE) * prior) / (self.mass[rows] + np.float32(PATIENCE))
        loss = np.where(there[:, :, None], loss, np.float32(np.inf)) + np.float32(TINY)
        better = loss.min(1, keepdims=True) / loss
        squared = better * better
        weights = squared * squared
        weights /= weights.sum(1, keepdims=True)
        lower, upper, part = _between(horizon)
        below, above = np.take(weights, lower, 2), np.take(weights, upper, 2)  # by an index they'd not lie row by row
        mixed: Floats = below + part * (above - below)
        return mixed

    def put(self, rows: Rows, step: npt.NDArray[np.int64], moves: Floats) -> None:
        """Remember what the experts say (N, E, H), in spreads, to be scored when it comes."""
        scored, slot = _slots(step, moves.shape[2])
        said = np.clip(moves[:, :, scored - 1], -MOST_HALF, MOST_HALF).astype(np.float16)
        self.open[rows[:, None], :, slot] = said.transpose(0, 2, 1)


def _slots(step: npt.NDArray[np.int64], horizon: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The scored horizons (K,), and where what was said of these steps lies, and goes (N, K)."""
    scored = np.asarray(edges(SCORED, horizon))
    return scored, np.cumsum(scored) - scored + step[:, None] % scored


def _between(horizon: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """The scored horizons (H,) below and above each horizon, by index, and how far it lies between."""
    scored = np.asarray(edges(SCORED, horizon))
    ahead = np.arange(1, horizon + 1)
    upper = np.searchsorted(scored, ahead)
    lower = np.maximum(upper - 1, 0)
    width = np.log(scored[upper] / scored[lower])
    part = np.where(width > 0, np.log(ahead / scored[lower]) / np.where(width > 0, width, 1.0), 0.0)
    return lower, upper, part.astype(np.float32)

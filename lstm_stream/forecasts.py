"""What a bank hands out.

Letters: N observations of a call, E experts, H horizons, L quantile levels.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Floats


class Forecasts(NamedTuple):
    """One forecast an observation.

    Rows whose outcome is another than `Outcome.FORECAST` hold zeros; those of a jump tell the origin and the step that
    it was held against.
    """

    outcome: npt.NDArray[np.uint8]  # (N,) see Outcome
    origin: npt.NDArray[np.int64]  # (N,) time of the last observation known, microseconds
    mean: npt.NDArray[np.float64]  # (N, H)
    quantiles: npt.NDArray[np.float64]  # (N, H, L)
    scale: npt.NDArray[np.float64]  # (N,) spread of the series, in its own unit
    warming: npt.NDArray[np.bool_]  # (N,) too few errors yet for the interval to be its own
    surprise: npt.NDArray[np.float64]  # (N,) 0 to 1, how far out the value lay; NaN while warming
    updates: npt.NDArray[np.int64]  # (N,) learning steps behind the forecast
    lstm_share: npt.NDArray[np.float64]  # (N,) 0 to 1, of what rests on the network in the mean
    step: npt.NDArray[np.float64]  # (N,) seconds; 0: not known yet
    drifts: npt.NDArray[np.int64]  # (N,) drifts noticed so far in the whole bank
    restart: npt.NDArray[np.bool_]  # (N,) the series starts with it, or starts again
    outside: npt.NDArray[np.bool_]  # (N,) the value lies outside the bounds that were given to the series

    def take(self, indices: npt.NDArray[np.int64]) -> "Forecasts":
        """Some of them."""
        columns: tuple[Any, ...] = self
        return Forecasts(*(column[indices] for column in columns))

    def copy(self) -> "Forecasts":
        """A copy."""
        columns: tuple[Any, ...] = self
        return Forecasts(*(column.copy() for column in columns))

    def clear(self) -> None:
        """Be as those of `zeros` again."""
        for column in self:
            column.fill(0)
        self.surprise.fill(np.nan)

    @classmethod
    def zeros(cls, count: int, horizon: int, levels: int) -> "Forecasts":
        """Workspace for so many."""
        real, whole = np.float64, np.int64
        return cls(
            outcome=np.zeros(count, np.uint8),
            origin=np.zeros(count, whole),
            mean=np.zeros((count, horizon), real),
            quantiles=np.zeros((count, horizon, levels), real),
            scale=np.zeros(count, real),
            warming=np.zeros(count, np.bool_),
            surprise=np.full(count, np.nan),
            updates=np.zeros(count, whole),
            lstm_share=np.zeros(count, real),
            step=np.zeros(count, real),
            drifts=np.zeros(count, whole),
            restart=np.zeros(count, np.bool_),
            outside=np.zeros(count, np.bool_),
        )


class ExpertForecasts(NamedTuple):
    """What each expert said of the values to come, and its weight in the mean; see `experts.Expert` for their order."""

    mean: npt.NDArray[np.float64]  # (N, E, H) in the series' own unit; NaN: it says nothing
    weights: Floats  # (N, E, H) 0 to 1, one in sum

    @classmethod
    def zeros(cls, count: int, experts: int, horizon: int) -> "ExpertForecasts":
        """Workspace for so many."""
        shape = (count, experts, horizon)
        return cls(np.full(shape, np.nan), np.zeros(shape, np.float32))

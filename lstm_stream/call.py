"""The observations of a call, and how far it has been gone through.

Letters: N observations of a call, C covariates.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Doubles, Flags, Wholes
from lstm_stream.forecasts import Forecasts

BEGIN, END, LEFT, AGAIN, FAULTY = 0, 1, 2, 3, 4
"""Of a position: the first observation of the event at hand and the first behind it; missing steps still to come; the
observation whose series is to start again, -1: none; how many members came to something that is not finite."""
FURTHEST = 2**60
"""Microseconds from the epoch, so that no difference of two times overflows."""
FEW = 64
"""Observations of a call whose forecasts are copied from the workspace: that takes less time than a new reference."""


class Call(NamedTuple):
    """The observations of a call, and where they lie."""

    rows: Wholes  # (N,) series
    times: Wholes  # (N,) microseconds
    values: Doubles  # (N,) NaN: missing
    events: Wholes  # (N,) never falling
    covariates: Doubles  # (N, C) NaN: not known
    missing: Wholes  # (N,) steps that are missing before it; as the two below, known when its event has begun
    restart: Flags  # (N,) whether the series starts, or starts again, with it
    step: Wholes  # (N,) of the series, microseconds; 0: not known

    @classmethod
    def room(cls, count: int, covariates: int) -> "Call":
        """Workspace for so many observations with so many covariates."""
        whole = np.zeros((5, count), np.int64)
        return cls(
            rows=whole[0],
            times=whole[1],
            values=np.zeros(count),
            events=whole[2],
            covariates=np.zeros((count, covariates)),
            missing=whole[3],
            restart=np.zeros(count, np.bool_),
            step=whole[4],
        )

    def take(
        self,
        rows: Wholes,
        times: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        events: npt.NDArray[np.int64] | None,
        covariates: npt.NDArray[np.float64] | None,
    ) -> None:
        """Take other observations; each is in an event of its own, and has no covariates, unless these are given."""
        self.rows[:], self.values[:] = rows, values
        np.minimum(np.maximum(times, -FURTHEST, out=self.times), FURTHEST, out=self.times)
        self.events[:] = np.arange(len(rows)) if events is None else events
        self.covariates[:] = np.nan if covariates is None else covariates

    def largest_event(self) -> int:
        """The most observations of one event."""
        starts = np.flatnonzero(np.diff(self.events, prepend=self.events[:1] - 1, append=self.events[-1:] + 1))
        return int(np.diff(starts).max(initial=1))


class CallWorkspace:
    """Workspace of a bank for the call at hand and its forecasts.

    Where a call has as many observations as the last one, arrays are used again, so that references to them hold. For a
    single observation that saves a third of the time.

    Parameters
    ----------
    horizon, levels, covariates
        Of the bank.
    """

    def __init__(self, horizon: int, levels: int, covariates: int) -> None:
        self._horizon, self._levels, self._covariates = horizon, levels, covariates
        self._call = Call.room(0, covariates)
        self._forecasts = Forecasts.zeros(0, horizon, levels)

    def take(self, count: int) -> tuple[Call, Forecasts]:
        """Room for so many observations; what the call held before is still there."""
        if count != len(self._call.rows):
            self._call = Call.room(count, self._covariates)
        if count > FEW:
            return self._call, Forecasts.zeros(count, self._horizon, self._levels)
        if count != len(self._forecasts.outcome):
            self._forecasts = Forecasts.zeros(count, self._horizon, self._levels)
        self._forecasts.clear()
        return self._call, self._forecasts

    def hand_out(self, forecasts: Forecasts) -> Forecasts:
        """The same forecasts, where no later call changes them."""
        return forecasts.copy() if forecasts is self._forecasts else forecasts

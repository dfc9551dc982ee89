"""Whether the series have become other ones: when their errors grow, what was learnt before counts for less."""

import numpy as np
from river.drift import ADWIN

from lstm_stream.arithmetic import Floats
from lstm_stream.columns import Array

CONFIDENCE = 0.002
"""ADWIN's delta: the chance of a false alarm at a reading."""
FEWEST, MOST = 1024, 4096
"""Readings that are known at least, once there were so many, and at most."""
LARGEST_ERROR = 10.0
"""In spreads."""
COOLING = 0.99
"""Of the alarm, from one reading to the next."""
ARMED = 0.25
"""No drift is noticed while the alarm is above this: one change is one drift."""


class Drift:
    """Watches the shard's one-step errors, each in its series' spreads, by adaptive windowing.

    A reading is the mean of as many errors as there are series. Where the newest readings lie higher than those
    before (Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing"), that is a drift: the
    alarm goes to 1, and fades with the readings that follow. Readings that have become smaller are no drift.
    """

    def __init__(self) -> None:
        self.total = 0
        """Drifts noticed so far."""
        self.alarm = 0.0
        """0 to 1."""
        self._left = np.zeros(0, np.float32)  # too few yet for a reading
        self._readings: list[float] = []  # that the windows were made of
        self._windows = _windows(self._readings)

    def forget(self) -> None:
        """Know of no errors, as at the start; the drifts noticed so far stay counted."""
        self._left, self._readings = np.zeros(0, np.float32), []
        self._windows = _windows(self._readings)

    def fold(self, errors: Floats, series: int) -> None:
        """Take the errors of the next steps of so many series, in spreads; NaN where there is none."""
        errors = np.concatenate([self._left, np.minimum(errors, np.float32(LARGEST_ERROR))])
        whole = len(errors) // series * series
        rounds = errors[:whole].reshape(-1, series).astype(np.float64)
        known = ~np.isnan(rounds)
        means = np.nansum(rounds, 1) / np.maximum(known.sum(1), 1)
        for mean in means[known.any(1)].tolist():
            self._read(mean)
        self._left = errors[whole:].copy()

    def _read(self, mean: float) -> None:
        self.alarm *= COOLING
        before = self._windows.estimation
        self._windows.update(mean)
        self._readings.append(mean)
        if self._windows.drift_detected and self._windows.estimation > before and self.alarm <= ARMED:
            self.total += 1
            self.alarm = 1.0
        if len(self._readings) == MOST:
            self._readings = self._readings[-FEWEST:]
            self._windows = _windows(self._readings)

    def dump(self) -> dict[str, Array]:
        """The state; a copy."""
        return {
            "readings": np.asarray(self._readings),
            "state": np.asarray([self.total, self.alarm], np.float64),
            "left": self._left.copy(),
        }

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the state of a `dump`."""
        self._readings = arrays["readings"].tolist()
        self._windows = _windows(self._readings)
        total, self.alarm = arrays["state"].tolist()
        self.total, self._left = int(total), arrays["left"].copy()


def _windows(readings: list[float]) -> ADWIN:
    """Windows that have seen these readings."""
    windows = ADWIN(delta=CONFIDENCE, clock=1, min_window_length=2)
    for reading in readings:
        windows.update(reading)
    return windows

"""Whether the series have become other ones: when their errors grow, what was learnt before counts for less."""

import numpy as np
from river._river_rust.drift import AdaptiveWindowing

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
        before = self._windows.mean
        is_other = self._windows.update(mean)
        self._readings.append(mean)
        if is_other and self._windows.mean > before and self.alarm <= ARMED:
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


class Windows:
    """What `river.drift.ADWIN` does, by its compiled part alone: to import the class takes a second of CPU."""

    def __init__(self) -> None:
        self._windows, self._is_over = _new(), False

    @property
    def mean(self) -> float:
        """Of what the window holds; 0 of nothing."""
        width = self._windows.get_width()
        return float(self._windows.get_total()) / width if width else 0.0

    def update(self, reading: float) -> bool:
        """Take a reading; whether the window's older part was found to be another one. It starts anew after that."""
        if self._is_over:
            self._windows = _new()
        self._is_over = bool(self._windows.update(reading))
        return self._is_over


def _new() -> AdaptiveWindowing:
    return AdaptiveWindowing(delta=CONFIDENCE, clock=1, max_buckets=5, min_window_length=2, grace_period=10)


def _windows(readings: list[float]) -> Windows:
    """Windows that have seen these readings."""
    windows = Windows()
    for reading in readings:
        windows.update(reading)
    return windows

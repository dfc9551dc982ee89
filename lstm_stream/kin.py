"""What grown series of a shard have in common, which young ones borrow until they know it of themselves.

Letters: H horizons, K scored ones.
"""

import numpy as np

from lstm_stream.columns import Array
from lstm_stream.faults import check_finite
from lstm_stream.intervals import Intervals
from lstm_stream.memory import Memory
from lstm_stream.mixture import Mixture, scored_horizons
from lstm_stream.network import Floats, ratio

GROWN = 128
"""Steps."""
FEWEST, MOST = 8, 256
"""Grown series that tell: no fewer, and no more are asked."""
ASSUMED_GAIN = 0.1
"""Of the mixture, before there are grown series."""
CAUTION = 0.1
"""Share of the grown series whose spread is a smaller multiple of their steps than is told."""

ROUGHEST = 1e3
"""The largest multiple: series of denormal steps must not tell of more."""


class Kin:
    """How wide series spread for how far they step, how far they move in so many steps, what their mixture gains.

    The first values of a series, on one slope of its day, lie closer together than the series spreads. What series
    that step alike know of this keeps a young one in units that the network knows.
    """

    def __init__(self, horizon: int) -> None:
        self.roughness = 0.0
        """Spread over mean absolute step."""
        self.reach: Floats = np.zeros(horizon, np.float32)
        """Mean absolute move (H,), in spreads; zeros, as above: not known."""
        self.gain: Floats = np.full(len(scored_horizons(horizon)), ASSUMED_GAIN, np.float32)
        """Of the mixture over last value (K,): see `Mixture`."""

    def learn(self, memory: Memory, intervals: Intervals, mixture: Mixture) -> None:
        """Look at the grown series."""
        grown = np.flatnonzero(memory.age > GROWN)[:MOST]
        grown = grown[memory.difference_spread[grown, 0] > 0]
        if len(grown) >= FEWEST:
            ratios = ratio(memory.spread[grown], memory.difference_spread[grown, 0])
            roughness = min(float(np.quantile(ratios, CAUTION)), ROUGHEST)
            reach, gain = intervals.reach[grown].mean(0), np.median(mixture.gains(grown), 0)
            check_finite(roughness=np.asarray(roughness), reach=reach, gain=gain)
            self.roughness, self.reach, self.gain = roughness, reach, gain

    def dump(self) -> dict[str, Array]:
        """The state; a copy."""
        return {"roughness": np.asarray([self.roughness]), "reach": self.reach.copy(), "gain": self.gain.copy()}

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the state of a `dump`."""
        self.roughness = float(arrays["roughness"][0])
        self.reach, self.gain = arrays["reach"].copy(), arrays["gain"].copy()

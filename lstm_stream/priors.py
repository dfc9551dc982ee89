"""Pooled priors: what grown series of a shard have in common, which young ones borrow until they know it of themselves.

Letters: H horizons, K scored ones.
"""

import numpy as np

from lstm_stream.arithmetic import Floats, ratios
from lstm_stream.columns import Array
from lstm_stream.expert_losses import Combination, gains, scored_horizons
from lstm_stream.history import History
from lstm_stream.move_scale import Moves
from lstm_stream.scale import Scale

GROWN = 128
"""Steps."""
FEWEST, MOST = 8, 256
"""Grown series that tell: no fewer, and no more are asked."""
ASSUMED_GAIN, PRETRAINED_GAIN = 0.1, 0.3
"""Of the combination, before there are grown series; with a pretrained network."""
CAUTION = 0.1
"""Share of the grown series whose spread is a smaller multiple of their steps than is told."""
ROUGHEST = 1e3
"""The largest multiple: series of denormal steps must not tell of more."""


class Priors:
    """How wide series spread for how far they step, how far they move in h steps, what their combination gains.

    The first values of a series, on one slope of its day, lie closer together than the series spreads. What grown
    series that step alike know of this keeps a young one in units that the network knows.
    """

    def __init__(self, horizon: int, pretrained: bool = False) -> None:
        self.roughness = 0.0
        """Spread over mean absolute step."""
        self.move_scale: Floats = np.zeros(horizon, np.float32)
        """Mean absolute move (H,), in spreads; zeros, as above: not known."""
        self.gain: Floats = np.full(
            len(scored_horizons(horizon)), PRETRAINED_GAIN if pretrained else ASSUMED_GAIN, np.float32
        )
        """Of the combination over last value (K,): see `gains`."""

    def learn(self, history: History, scale: Scale, moves: Moves, combination: Combination) -> None:
        """Look at the grown series."""
        grown = np.flatnonzero(history.age > GROWN)[:MOST]
        grown = grown[scale.difference[grown, 0] > 0]
        if len(grown) >= FEWEST:
            multiples = ratios(scale.spread[grown], scale.difference[grown, 0])
            self.roughness = min(float(np.quantile(multiples, CAUTION)), ROUGHEST)
            self.move_scale = moves.usual[grown].mean(0)
            self.gain = np.median(gains(combination, grown), 0)

    def dump(self) -> dict[str, Array]:
        """The state; a copy."""
        return {
            "roughness": np.asarray([self.roughness]),
            "move_scale": self.move_scale.copy(),
            "gain": self.gain.copy(),
        }

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the state of a `dump`."""
        self.roughness = float(arrays["roughness"][0])
        self.move_scale, self.gain = arrays["move_scale"].copy(), arrays["gain"].copy()

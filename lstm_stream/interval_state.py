"""What is kept of the intervals of each series: open forecasts, sizes of errors, tracked quantiles.

Letters: S series, H horizons, L quantile levels, G groups of horizons, O origins kept of a series, K tracked levels and
J gaps of one side (`quantiles`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import (
    Flags,
    Floats,
    Halves,
    Wholes,
)
from lstm_stream.quantiles import (
    GAPS,
    LEVELS,
    Between,
    Pulls,
)
from lstm_stream.readout import edges

GROUPS = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons up to each of these, from the one before on, share quantiles over sizes, and powers."""


class Layout(NamedTuple):
    """Which groups horizons are in, and where their open forecasts lie."""

    place: Wholes  # (H,) of the h that are kept of horizon h
    group: Wholes  # (H,)
    edge: Wholes  # (G,) its last horizon
    edge_place: Wholes  # (G,) of the `edge` that are kept of the group
    width: Floats  # (G,) how many horizons it has
    between: Between  # the levels asked for

    @classmethod
    def of(cls, horizon: int, levels: tuple[float, ...]) -> "Layout":
        """Of so many horizons."""
        ahead, edge = np.arange(1, horizon + 1), np.asarray(edges(GROUPS, horizon))
        return cls(
            place=np.cumsum(ahead) - ahead,
            group=np.searchsorted(edge, ahead),
            edge=edge,
            edge_place=np.cumsum(edge) - edge,
            width=np.diff(edge, prepend=0).astype(np.float32),
            between=Between.of(levels),
        )


class Intervals(NamedTuple):
    """Open forecasts of each series, and the quantiles of what became of those before.

    A quantile is a size times a quantile of errors over their size. The *size* is the mean absolute error of the
    horizon, stretched by what is known at the origin: how restless the series is (its last one-step errors), and how
    uncertain the forecast is, over what it usually is (`error_sizes`). The *quantiles of errors over their size* are
    tracked, a few levels per group of horizons (`quantiles`). For that, an error is held against the quantiles that
    held at its origin: today's would know the errors of the origins since, which are much like it, and flatter
    themselves.
    """

    newest: Floats  # (S, H) mean minus the origin's value, of the newest forecast, in the ring's unit
    width: Halves  # (S, H) its stretched sizes, in the origin's spreads
    moves: Halves  # (S, H(H+1)/2) means as `newest`, in spreads; of horizon h and step t at t % h
    uncertainty: npt.NDArray[np.int8]  # (S, H(H+1)/2) logarithm of uncertainty over the usual one
    restless: Halves  # (S, H) logarithm of recent one-step errors over their size, of step t at t % H
    shown: Halves  # (S, O, 1 + K) a group's last size, in spreads, and quantiles; of step t at t % edge
    size: Floats  # (S, H) mean absolute error, not stretched, in the ring's unit
    centre: Floats  # (S, G) median of the error over its stretched size
    gaps: Floats  # (S, G, 2, J) logarithms of the gaps between its tracked quantiles, beyond the normal distribution's
    power: Floats  # (S, 2, G) powers of restlessness and of uncertainty, beyond `POWERS`
    usual: Floats  # (S, H) mean uncertainty, in the ring's unit
    anew: Wholes  # (S,) step since which sizes are learnt
    growth: Halves  # (S, H) by how much sizes grew a step, of step t at t % H
    behind: Floats  # (S, 2) late mean of how much larger one-step errors are than their sizes, and of how far off

    @classmethod
    def empty(cls, horizon: int) -> "Intervals":
        """Of no series."""
        single, half, kept = np.float32, np.uint16, horizon * (horizon + 1) // 2
        edge = edges(GROUPS, horizon)
        return cls(
            newest=np.zeros((0, horizon), single),
            width=np.zeros((0, horizon), half),
            moves=np.zeros((0, kept), half),
            uncertainty=np.zeros((0, kept), np.int8),
            restless=np.zeros((0, horizon), half),
            shown=np.zeros((0, sum(edge), 1 + len(LEVELS)), half),
            size=np.zeros((0, horizon), single),
            centre=np.zeros((0, len(edge)), single),
            gaps=np.zeros((0, len(edge), 2, GAPS), single),
            power=np.zeros((0, 2, len(edge)), single),
            usual=np.zeros((0, horizon), single),
            anew=np.zeros(0, np.int64),
            growth=np.zeros((0, horizon), half),
            behind=np.zeros((0, 2), single),
        )


class Workspace(NamedTuple):
    """Where an observation's errors are worked on."""

    there: Flags  # (H,) whether there was a forecast of it so many steps before
    error: Floats  # (H,) in the ring's unit
    stretch: Floats  # (H,) how many times their usual size errors are, by what was known at the origin
    powers: Floats  # (G, 2) pull of the powers
    quantiles: Floats  # (K,)
    pulls: Pulls

    @classmethod
    def of(cls, horizon: int) -> "Workspace":
        """For so many horizons."""
        single, groups = np.float32, len(edges(GROUPS, horizon))
        return cls(
            np.zeros(horizon, np.bool_),
            np.zeros(horizon, single),
            np.zeros(horizon, single),
            np.zeros((groups, 2), single),
            np.zeros(len(LEVELS), single),
            Pulls.zeros(groups),
        )

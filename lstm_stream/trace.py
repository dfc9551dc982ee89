"""The carried state of the LSTM, and what is kept of each series' last steps to learn from.

Letters: S series, P steps kept, Q snapshots kept, F features, U units, H horizons.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import (
    MOST_HALF,
    Bytes,
    Flags,
    Floats,
    Halves,
    bounded,
    from_byte,
    narrowed,
    to_byte,
    widened,
    widened_finite,
)
from lstm_stream.compiled import compiled

SNAPSHOT_EVERY = 8
"""Steps from one kept (h, c) to the next; windows start where one was kept."""


class Trace(NamedTuple):
    """Hidden and cell state of each series now and at some steps before, with what the network read since."""

    hidden: Floats  # (S, U)
    cell: Floats  # (S, U)
    features: Halves  # (S, P, F) of step t at t % P
    plain: Halves  # (S, 1 + H, H) moves said without the network, in the unit, of step t at t % (1 + H)
    unit: Floats  # (S, 1 + H) the longest move scale of then, in the ring's unit
    shown: Bytes  # (S, 1 + H, U) hidden state after step t at t % (1 + H), in 127ths
    observed: Flags  # (S, P) of step t at t % P
    hidden_before: Bytes  # (S, Q, U) carried into step t, at t / 8 % Q, in 127ths
    cell_before: Halves  # (S, Q, U)

    @classmethod
    def empty(cls, window: int, horizon: int, features: int, units: int) -> "Trace":
        """Of no series, with room for a window of each and the targets of its last step."""
        single, half, kept = np.float32, np.uint16, -(-(window + horizon) // SNAPSHOT_EVERY)
        return cls(
            hidden=np.zeros((0, units), single),
            cell=np.zeros((0, units), single),
            features=np.zeros((0, kept * SNAPSHOT_EVERY, features), half),
            plain=np.zeros((0, 1 + horizon, horizon), half),
            unit=np.zeros((0, 1 + horizon), single),
            shown=np.zeros((0, 1 + horizon, units), np.int8),
            observed=np.zeros((0, kept * SNAPSHOT_EVERY), np.bool_),
            hidden_before=np.zeros((0, kept, units), np.int8),
            cell_before=np.zeros((0, kept, units), half),
        )


@compiled
def meet(trace: Trace, i: int, t: int, observed: bool) -> None:
    """Keep the state that step t meets."""
    trace.observed[i, t % trace.observed.shape[1]] = observed
    if t % SNAPSHOT_EVERY == 0:
        kept = t // SNAPSHOT_EVERY % trace.hidden_before.shape[1]
        for u in range(trace.hidden.shape[1]):
            trace.hidden_before[i, kept, u] = to_byte(trace.hidden[i, u])
            trace.cell_before[i, kept, u] = narrowed(bounded(trace.cell[i, u], MOST_HALF))


@compiled
def keep_features(trace: Trace, i: int, t: int, features: Floats) -> None:
    """Keep the features (F,), or the first of them."""
    slot = t % trace.features.shape[1]
    for k in range(len(features)):
        trace.features[i, slot, k] = narrowed(features[k])


@compiled
def keep_plain(trace: Trace, i: int, t: int, plain: Floats, scale: Floats) -> None:
    """Keep the moves (H,) said without the network, which are in move scales (H,)."""
    slot, unit = t % trace.unit.shape[1], scale[-1]
    trace.unit[i, slot] = unit
    for h in range(len(plain)):
        trace.plain[i, slot, h] = narrowed(plain[h] * (scale[h] / unit))


@compiled
def keep_hidden(trace: Trace, i: int, t: int) -> None:
    """Keep the hidden state that step t left."""
    slot = t % trace.shown.shape[1]
    for u in range(trace.hidden.shape[1]):
        trace.shown[i, slot, u] = to_byte(trace.hidden[i, u])


@compiled
def write_regressors(trace: Trace, i: int, t: int, regressors: Floats) -> None:
    """Write 1, the features of step t and the hidden state after it, (1 + F + U,)."""
    features, units = trace.features.shape[2], trace.shown.shape[2]
    kept, slot = t % trace.features.shape[1], t % trace.shown.shape[1]
    regressors[0] = 1.0
    for k in range(features):
        regressors[1 + k] = widened_finite(trace.features[i, kept, k])
    for u in range(units):
        regressors[1 + features + u] = from_byte(trace.shown[i, slot, u])


@compiled
def rewind(trace: Trace, i: int, since: int, length: int) -> None:
    """Go back to the state carried before a step, if it is kept; what came since is nothing to learn from."""
    snapshots, kept = trace.hidden_before.shape[1], trace.observed.shape[1]
    if length <= (snapshots - 1) * SNAPSHOT_EVERY:
        slot = since // SNAPSHOT_EVERY % snapshots
        for u in range(trace.hidden.shape[1]):
            trace.hidden[i, u] = from_byte(trace.hidden_before[i, slot, u])
            trace.cell[i, u] = widened(trace.cell_before[i, slot, u])
        for later in range(since // SNAPSHOT_EVERY + 1, (since + length - 1) // SNAPSHOT_EVERY + 1):
            for u in range(trace.hidden.shape[1]):
                trace.hidden_before[i, later % snapshots, u] = trace.hidden_before[i, slot, u]
                trace.cell_before[i, later % snapshots, u] = trace.cell_before[i, slot, u]
    for t in range(max(since, since + length - kept), since + length):
        trace.observed[i, t % kept] = False

"""What a bank tells of its series when it is asked for all of them, or looked into for one.

Letters: S series, N steps.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.anomaly import Errors
from lstm_stream.arithmetic import Doubles, Floats, Wholes
from lstm_stream.grid import Grid
from lstm_stream.history import History
from lstm_stream.network import Network
from lstm_stream.trace import SNAPSHOT_EVERY, Trace


class Summaries(NamedTuple):
    """All series at one moment; a copy.

    Errors are mean absolute one-step errors in the series' own unit, NaN before anything was scored.
    """

    steps: Wholes  # (S,) since the series started, filled ones among them; 0: nothing is known of it
    last_time: Wholes  # (S,) microseconds since the epoch
    last_value: Doubles  # (S,) filled where it was missing
    model_error: Doubles  # (S,)
    last_value_error: Doubles  # (S,)


class GateHistory(NamedTuple):
    """Mean activations of the gates at some of the last steps of a series, oldest first, 0 (closed) to 1 (open)."""

    lags: Wholes  # (N,) how many steps ago
    forget: Floats  # (N,)
    input: Floats  # (N,)
    output: Floats  # (N,)


def summarise(history: History, grid: Grid, errors: Errors, count: int) -> Summaries:
    """Copy what is told of the first so many series."""
    known = errors.scored[:count] > 0
    unit = np.abs(1.0 + history.factor_less_one[:count])
    ours, last_value = (np.where(known, errors.absolute[:count, k] * unit, np.nan) for k in range(2))
    return Summaries(
        history.age[:count].copy(), grid.last[:count].copy(), history.latest[:count].copy(), ours, last_value
    )


def gate_history(network: Network, trace: Trace, i: int, age: int) -> GateHistory:
    """Gates at the steps of series i whose features and state are kept: some, and each of the last.

    Snapshots of the state are kept for all steps that are kept to learn from, the state after each step only for as
    many as there are horizons.
    """
    recent, kept = trace.shown.shape[1], trace.features.shape[1]
    steps = np.arange(max(age - kept, 0), age)
    steps = steps[(steps % SNAPSHOT_EVERY == 0) | (steps > age - recent)]
    if not len(steps):
        return GateHistory(steps, *np.zeros((3, 0), np.float32))
    shown = trace.shown[i, (steps - 1) % recent]
    snapshots = trace.hidden_before[i, steps // SNAPSHOT_EVERY % trace.hidden_before.shape[1]]
    met = np.where((steps % SNAPSHOT_EVERY == 0)[:, None], snapshots, shown).view(np.float16)
    x = trace.features[i, steps % kept].view(np.float16)
    forget, written, output = network.activations(x.astype(np.float32), met.astype(np.float32))
    return GateHistory(age - 1 - steps, forget, written, output)

"""What a bank tells of itself when it is looked into: errors, gates, weights of the experts, counts.

Letters: S series, E experts, N steps.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.anomaly import WARM
from lstm_stream.arithmetic import BYTE, Doubles, Floats, Wholes, fill, ratios
from lstm_stream.combination import combine, penalise
from lstm_stream.compiled import entry
from lstm_stream.expert_losses import TINY, Combination, Scoring
from lstm_stream.learner import Lesson
from lstm_stream.learning import Learning
from lstm_stream.network import Gates
from lstm_stream.notes import BREAKS
from lstm_stream.references import refer
from lstm_stream.rows import Rows
from lstm_stream.scale import spreads
from lstm_stream.seasons import SECOND
from lstm_stream.trace import SNAPSHOT_EVERY

MOST = 256
"""Series that are looked into for a mean over all of them."""


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


class Diagnostics(NamedTuple):
    """Answers about the parts of a bank as they are when one asks; none changes anything."""

    rows: Rows
    learning: Learning
    scoring: Scoring

    @property
    def updates(self) -> int:
        """Learning steps taken so far."""
        return self.learning.learner.updates

    @property
    def skipped(self) -> int:
        """Learning steps whose loss or gradient was not finite."""
        return self.learning.learner.skipped

    @property
    def lesson(self) -> Lesson:
        """What the last learning step did."""
        return self.learning.lesson

    @property
    def drifts(self) -> int:
        """Drifts noticed so far."""
        return self.learning.drift.total

    @property
    def breaks(self) -> int:
        """How often a series was noticed to have turned round, changed its unit, or come out of a standstill."""
        return int(self.learning.counts[BREAKS])

    def recent(self, series: str, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Times in microseconds and values of the last steps of a series, oldest first; NaN where one was missing.

        No more than are kept to learn from. Times are told a step apart, which they are on a grid. Where a series has
        broken, values of before it are told in the sign and unit of now, and those not to be learnt from are NaN.
        """
        i, state, grid = self.rows.names[series], self.rows.state, self.rows.series.grid
        history, trace = state.history, state.trace
        kept = trace.observed.shape[1]
        lags = np.arange(min(count, int(history.age[i]), kept))[::-1]
        steps = history.age[i] - 1 - lags
        values = history.ring[i, steps % history.ring.shape[1]] * (1.0 + history.factor_less_one[i]) + history.first[i]
        times = int(grid.last[i]) - lags * (int(grid.step[i]) or SECOND)
        return times, np.where(trace.observed[i, steps % kept], values, np.nan)

    def last_break(self, series: str) -> int | None:
        """How many steps ago a series was last noticed to have turned round or changed its unit; None: it never was."""
        i = self.rows.names[series]
        since = int(self.rows.state.intervals.anew[i])
        return int(self.rows.state.history.age[i]) - 1 - since if since else None

    def errors(self, series: str | None = None) -> tuple[float, float]:
        """Mean absolute one-step error of the model and of the last value: of a series in its own unit, or of all.

        Of all, each series counts in its own spreads.
        """
        state = self.rows.state
        rows = np.arange(len(self.rows.names)) if series is None else np.asarray([self.rows.names[series]])
        rows = rows[state.errors.scored[rows] > 0]
        if not len(rows):
            return 0.0, 0.0
        if series is None:
            unit = spreads(state.scale, state.history, rows)
        else:
            unit = (1.0 / np.abs(1.0 + state.history.factor_less_one[rows])).astype(np.float32)
        model, last_value = ratios(state.errors.absolute[rows], unit[:, None]).mean(0).tolist()
        return model, last_value

    def error_ratios(self) -> Floats:
        """Mean absolute one-step error of each series (S,) over that of its last value; NaN while it is warming."""
        errors, series = self.rows.state.errors, len(self.rows.names)
        warm = errors.scored[:series] >= WARM
        absolute = errors.absolute[:series]
        return np.where(warm, ratios(absolute[:, 0], absolute[:, 1]), np.float32(np.nan))

    def summaries(self) -> Summaries:
        """All series, in the order of their names; a copy."""
        (history, errors), count = (self.rows.state.history, self.rows.state.errors), len(self.rows.names)
        known = errors.scored[:count] > 0
        unit = np.abs(1.0 + history.factor_less_one[:count])
        ours, last_value = (np.where(known, errors.absolute[:count, k] * unit, np.nan) for k in range(2))
        return Summaries(
            history.age[:count].copy(),
            self.rows.series.grid.last[:count].copy(),
            history.latest[:count].copy(),
            ours,
            last_value,
        )

    def expert_weights(self, series: str | None = None) -> Floats:
        """Mean weight of each expert (E,) in the means of a series, or of up to 256, over all horizons.

        Zeros for no series.
        """
        some = np.flatnonzero(self.rows.state.history.age > 0)[:MOST]
        rows = some if series is None else np.asarray([self.rows.names[series]])
        losses, gain = self.learning.pooled.losses, self.learning.priors.gain
        return _mean_weights(self.rows.state.combination, self.scoring, rows, losses, gain)

    def gates(self) -> Gates:
        """Mean activations of the gates, over up to 256 series at their last snapshot."""
        age, trace = self.rows.state.history.age, self.rows.state.trace
        rows = np.flatnonzero(age > 0)[:MOST]
        if not len(rows):
            return Gates(0.0, 0.0, 0.0)
        at = (age[rows] - 1) // SNAPSHOT_EVERY
        x = trace.features[rows, at * SNAPSHOT_EVERY % trace.features.shape[1]].view(np.float16)
        met = trace.hidden_before[rows, at % trace.hidden_before.shape[1]] / np.float32(BYTE)
        return self.learning.learner.average.gates(x.astype(np.float32), met)

    def gate_history(self, series: str) -> GateHistory:
        """Gates at the steps of a series whose features and state are kept: some, and each of the last.

        Snapshots of the state are kept for all steps that are kept to learn from, the state after each step only for
        as many as there are horizons.
        """
        i, trace = self.rows.names[series], self.rows.state.trace
        age = int(self.rows.state.history.age[i])
        recent, kept = trace.shown.shape[1], trace.features.shape[1]
        steps = np.arange(max(age - kept, 0), age)
        steps = steps[(steps % SNAPSHOT_EVERY == 0) | (steps > age - recent)]
        if not len(steps):
            return GateHistory(steps, *np.zeros((3, 0), np.float32))
        shown = trace.shown[i, (steps - 1) % recent]
        snapshots = trace.hidden_before[i, steps // SNAPSHOT_EVERY % trace.hidden_before.shape[1]]
        met = np.where((steps % SNAPSHOT_EVERY == 0)[:, None], snapshots, shown) / np.float32(BYTE)
        x = trace.features[i, steps % kept].view(np.float16)
        forget, written, output = self.learning.learner.average.activations(x.astype(np.float32), met)
        return GateHistory(age - 1 - steps, forget, written, output)


def _mean_weights(combination: Combination, scoring: Scoring, rows: Wholes, losses: Floats, gain: Floats) -> Floats:
    """Mean weight of each expert (E,) in the means of some series, over all horizons; zeros for no series."""
    total = np.zeros(len(losses), np.float32)
    _add_weights(refer(combination), refer(scoring), rows, np.log(losses + TINY), gain, total)
    return total / np.float32(max(len(rows) * len(scoring.lower), 1))


@entry
def _add_weights(
    combination: Combination, scoring: Scoring, rows: Wholes, log_losses: Floats, gain: Floats, total: Floats
) -> None:
    """Add up the weights of each expert (E,) over series and horizons; an expert that was never scored has none."""
    experts, scored, horizon = log_losses.shape[0], log_losses.shape[1], len(scoring.lower)
    penalty, shares = np.zeros((experts, scored), np.float32), np.zeros((experts, scored), np.float32)
    said, weights = np.zeros((experts, horizon), np.float32), np.zeros((experts, horizon), np.float32)
    trust, mixed = np.zeros(scored, np.float32), np.zeros(horizon, np.float32)
    for i in rows:
        penalise(combination, scoring, i, log_losses, gain, penalty, trust)
        for e in range(experts):
            mass = np.float32(0.0)
            for k in range(scored):
                mass += combination.mass[i, e, k]
            fill(said[e], 0.0 if mass > 0 else np.nan)
        combine(scoring, penalty, trust, said, shares, weights, mixed)
        for e in range(experts):
            for h in range(horizon):
                total[e] += weights[e, h]

"""The carried state of each series, and the stretch of its past that can still be learnt from.

Letters: S series, N rows of a round, P steps kept, Q snapshots kept, W steps of a window, F inputs, U units,
H horizons, G groups of horizons, Z regressors.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.memory import Memory
from lstm_stream.network import Floats, Step, ratio
from lstm_stream.readout import GROUPS, Origins, edges
from lstm_stream.readout import LAGS as READ
from lstm_stream.replay import Stretch

LARGEST_TARGET = 10.0
"""In reaches; for a readout, a jump further than this counts as this."""
SNAPSHOT_EVERY = 8
"""Steps from one kept (h, c) to the next; windows start where one was kept."""


@dataclass
class Past(Columns):
    """Hidden and cell state of each series now and at some steps before, with what the network was shown since."""

    hidden: Floats  # (S, U)
    cell: Floats  # (S, U)
    inputs: npt.NDArray[np.float16]  # (S, P, F) of step t at t % P
    plain: npt.NDArray[np.float16]  # (S, 1 + H, H) moves said without the network, of step t at t % (1 + H)
    unit: Floats  # (S, 1 + H) the longest reach of then, which these moves are in
    shown: npt.NDArray[np.float16]  # (S, 1 + H, U) hidden state after step t at t % (1 + H)
    observed: npt.NDArray[np.bool_]  # (S, P)
    hidden_before: npt.NDArray[np.float16]  # (S, Q, U) carried into step t, at t / 8 % Q
    cell_before: npt.NDArray[np.float16]  # (S, Q, U)

    @classmethod
    def empty(cls, window: int, horizon: int, inputs: int, units: int) -> "Past":
        """The past of no series, with room for a window of each and the targets of its last step."""
        single, half, kept = np.float32, np.float16, -(-(window + horizon) // SNAPSHOT_EVERY)
        return cls(
            hidden=np.zeros((0, units), single),
            cell=np.zeros((0, units), single),
            inputs=np.zeros((0, kept * SNAPSHOT_EVERY, inputs), half),
            plain=np.zeros((0, 1 + horizon, horizon), half),
            unit=np.zeros((0, 1 + horizon), single),
            shown=np.zeros((0, 1 + horizon, units), half),
            observed=np.zeros((0, kept * SNAPSHOT_EVERY), np.bool_),
            hidden_before=np.zeros((0, kept, units), half),
            cell_before=np.zeros((0, kept, units), half),
        )

    def write(self, rows: Rows, step: npt.NDArray[np.int64], observed: npt.NDArray[np.bool_]) -> None:
        """Remember the state that these steps meet."""
        self.observed[rows, step % self.observed.shape[1]] = observed
        due = step % SNAPSHOT_EVERY == 0
        kept = step[due] // SNAPSHOT_EVERY % self.hidden_before.shape[1]
        self.hidden_before[rows[due], kept] = self.hidden[rows[due]]
        self.cell_before[rows[due], kept] = self.cell[rows[due]]

    def rewind(self, row: int, since: int, length: int) -> None:
        """Go back to the state carried before a step, if it is kept; what came since is nothing to learn from."""
        snapshots = self.hidden_before.shape[1]
        if length <= (snapshots - 1) * SNAPSHOT_EVERY:
            kept = since // SNAPSHOT_EVERY % snapshots
            self.hidden[row], self.cell[row] = self.hidden_before[row, kept], self.cell_before[row, kept]
            met = np.arange(since // SNAPSHOT_EVERY + 1, (since + length - 1) // SNAPSHOT_EVERY + 1) % snapshots
            self.hidden_before[row, met], self.cell_before[row, met] = self.hidden[row], self.cell[row]
        self.observed[row, np.arange(since, since + length) % self.observed.shape[1]] = False

    def show(self, rows: Rows, step: npt.NDArray[np.int64], x: Floats, plain: Floats, reach: Floats) -> None:
        """Remember what the network is about to be shown, and the moves (N, H) said without it, in reaches."""
        slot, unit = step % self.unit.shape[1], reach[:, -1]
        self.inputs[rows, step % self.inputs.shape[1]] = x
        self.plain[rows, slot] = plain * (reach / unit[:, None])
        self.unit[rows, slot] = unit

    def carry(self, rows: Rows, step: npt.NDArray[np.int64], left: Step) -> None:
        """Carry the state that the network's step left."""
        self.hidden[rows] = left.hidden
        self.cell[rows] = left.cell
        self.shown[rows, step % self.shown.shape[1]] = left.hidden

    def origins(self, rows: Rows, step: npt.NDArray[np.int64], memory: Memory, reach: Floats) -> Origins:
        """What each group of horizons can learn from now that these steps' values are there."""
        horizon = reach.shape[1]
        groups = np.asarray(edges(GROUPS, horizon))
        of_horizon = np.searchsorted(groups, np.arange(1, horizon + 1))
        targets, known = self._targets(rows, step[:, None] - groups[of_horizon], memory, reach)
        off = self._off(targets, rows, step[:, None] - groups[of_horizon], reach)
        back = np.concatenate([[0], groups])
        lags = memory.lagged(rows, back[None, :, None] + np.arange(READ + 1))
        regressors = self._regressors(rows, step[:, None] - back, lags)
        return Origins(regressors, off, known.astype(np.float32))

    def oldest_targets(
        self, rows: Rows, step: npt.NDArray[np.int64], memory: Memory, reach: Floats
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """What all horizons of the oldest origin came to, filled gaps among it; and was it observed (N,)?

        (N, 2H): how far values moved, then how far off what was said without the network.
        """
        origin = (step - reach.shape[1])[:, None]
        targets, known = self._targets(rows, origin, memory, reach)
        return np.concatenate([targets, self._off(targets, rows, origin, reach)], 1), known[:, -1]

    def _regressors(self, rows: Rows, step: npt.NDArray[np.int64], lags: Floats) -> Floats:
        """What readouts see at these steps (N, 1 + G), (N, 1 + G, Z): lags, 1, inputs, the hidden state after them."""
        each = rows[:, None]
        x, h = self.inputs[each, step % self.inputs.shape[1]], self.shown[each, step % self.shown.shape[1]]
        return np.concatenate([lags, np.ones((*step.shape, 1), np.float32), x, h], 2, dtype=np.float32)

    def _targets(
        self, rows: Rows, origin: npt.NDArray[np.int64], memory: Memory, reach: Floats
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """How far values moved from each horizon's origin (N, H) or (N, 1), in reaches, and whether it is known."""
        each, values, kept = rows[:, None], memory.ring.shape[1], self.observed.shape[1]
        came = origin + np.arange(1, reach.shape[1] + 1)
        moved = memory.ring[each, came % values] - memory.ring[each, origin % values]
        observed = self.observed[each, came % kept] & self.observed[each, origin % kept] & (origin >= 0)
        return np.clip(ratio(moved, reach), -LARGEST_TARGET, LARGEST_TARGET), observed

    def _off(self, targets: Floats, rows: Rows, origin: npt.NDArray[np.int64], reach: Floats) -> Floats:
        """How far targets (N, H) lie off what was said at their origins (N, H) or (N, 1) without the network.

        In reaches of now, which may be a hundredth of those then: so it is clipped once more.
        """
        each, slot = rows[:, None], origin % self.unit.shape[1]
        said = self.plain[each, slot, np.arange(reach.shape[1])] * ratio(self.unit[each, slot], reach)
        off: Floats = np.clip(targets - said, -LARGEST_TARGET, LARGEST_TARGET)
        return off

    def newest(self, rows: Rows, memory: Memory, reach: Floats, window: int) -> Stretch:
        """The newest window of each of these series, its last steps still without some targets."""
        start = -(-(memory.age[rows] - window) // SNAPSHOT_EVERY) * SNAPSHOT_EVERY
        return self.stretch(rows, np.maximum(start, 0), memory, reach, window)

    def stretch(self, rows: Rows, start: npt.NDArray[np.int64], memory: Memory, reach: Floats, window: int) -> Stretch:
        """Windows from these steps on; what has not come yet counts as not observed."""
        steps = start[:, None] + np.arange(window + reach.shape[1])  # (N, W + H)
        come = steps < memory.age[rows, None]
        each, kept = rows[:, None], self.inputs.shape[1]
        snapshot = start // SNAPSHOT_EVERY % self.hidden_before.shape[1]
        in_window = steps[:, :window] % kept
        return Stretch(
            inputs=self.inputs[each, in_window].astype(np.float32) * come[:, :window, None],
            hidden=self.hidden_before[rows, snapshot].astype(np.float32),
            cell=self.cell_before[rows, snapshot].astype(np.float32),
            values=memory.ring[each, steps % memory.ring.shape[1]],
            observed=self.observed[each, steps % kept] & come,
            reach=reach,
        )

    def last_met(self, rows: Rows, memory: Memory) -> tuple[Floats, Floats]:
        """Input (N, F) and the hidden state (N, U) that it met, at the last snapshot of each series."""
        at = np.maximum(memory.age[rows] - 1, 0) // SNAPSHOT_EVERY
        x = self.inputs[rows, at * SNAPSHOT_EVERY % self.inputs.shape[1]]
        met = self.hidden_before[rows, at % self.hidden_before.shape[1]]
        return x.astype(np.float32), met.astype(np.float32)

"""The carried state of each series, and the stretch of its past that can still be learnt from.

Letters: S series, N rows of a round, P steps kept, Q snapshots kept, W steps of a window, F inputs, U units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.memory import Memory
from lstm_stream.network import Floats, Step
from lstm_stream.replay import Stretch

SNAPSHOT_EVERY = 8
"""Steps from one kept (h, c) to the next; windows start where one was kept."""


@dataclass
class Past(Columns):
    """Hidden and cell state of each series now and at some steps before, with what the network was shown since."""

    hidden: Floats  # (S, U)
    cell: Floats  # (S, U)
    inputs: Floats  # (S, P, F) of step t at t % P
    observed: npt.NDArray[np.bool_]  # (S, P)
    hidden_before: Floats  # (S, Q, U) carried into step t, at t / 8 % Q
    cell_before: Floats  # (S, Q, U)

    @classmethod
    def empty(cls, steps: int, inputs: int, units: int) -> "Past":
        """The past of no series, with room for at least so many steps of each."""
        single, kept = np.float32, -(-steps // SNAPSHOT_EVERY)
        return cls(
            hidden=np.zeros((0, units), single),
            cell=np.zeros((0, units), single),
            inputs=np.zeros((0, kept * SNAPSHOT_EVERY, inputs), single),
            observed=np.zeros((0, kept * SNAPSHOT_EVERY), np.bool_),
            hidden_before=np.zeros((0, kept, units), single),
            cell_before=np.zeros((0, kept, units), single),
        )

    def write(
        self,
        rows: Rows,
        step: npt.NDArray[np.int64],
        x: Floats,
        observed: npt.NDArray[np.bool_],
    ) -> None:
        """Remember what the network is about to be shown, and the state it meets."""
        slot = step % self.inputs.shape[1]
        self.inputs[rows, slot] = x
        self.observed[rows, slot] = observed
        due = step % SNAPSHOT_EVERY == 0
        kept = step[due] // SNAPSHOT_EVERY % self.hidden_before.shape[1]
        self.hidden_before[rows[due], kept] = self.hidden[rows[due]]
        self.cell_before[rows[due], kept] = self.cell[rows[due]]

    def carry(self, rows: Rows, step: Step) -> None:
        """Carry the state that a step of the network left."""
        self.hidden[rows] = step.hidden
        self.cell[rows] = step.cell

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
            inputs=self.inputs[each, in_window] * come[:, :window, None],
            hidden=self.hidden_before[rows, snapshot],
            cell=self.cell_before[rows, snapshot],
            values=memory.ring[each, steps % memory.ring.shape[1]],
            observed=self.observed[each, steps % kept] & come,
            reach=reach,
        )

    def last_met(self, rows: Rows, memory: Memory) -> tuple[Floats, Floats]:
        """Input (N, F) and the hidden state (N, U) that it met, at the last snapshot of each series."""
        at = np.maximum(memory.age[rows] - 1, 0) // SNAPSHOT_EVERY
        x = self.inputs[rows, at * SNAPSHOT_EVERY % self.inputs.shape[1]]
        return x, self.hidden_before[rows, at % self.hidden_before.shape[1]]

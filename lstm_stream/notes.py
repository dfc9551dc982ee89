"""What the steps of all series leave for the shard, from one fold of the pooled regressions to the next.

Letters: T steps, Z regressors, H horizons, E experts, K scored horizons.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Floats, fill
from lstm_stream.compiled import compiled

STEPS, OFFERED, BREAKS, SEEN, EVENTS = 0, 1, 2, 3, 4
"""Of the counts: steps of all series; windows offered since the last lesson; breaks; series since then; events."""


class Notes(NamedTuple):
    """Each at its place in the log since the last fold."""

    rows: Floats  # (T, Z + 2H) regressors, moves, and what of these is to be corrected; zeros: nothing
    losses: Floats  # (T, E, K) squared errors of the experts, in move scales; NaN: there is none
    errors: Floats  # (T,) one-step errors, in spreads, for the detection of drift; NaN: there is none

    @classmethod
    def room(cls, steps: int, width: int, experts: int, scored: int) -> "Notes":
        """For so many steps."""
        return cls(
            rows=np.zeros((steps, width), np.float32),
            losses=np.full((steps, experts, scored), np.nan, np.float32),
            errors=np.full(steps, np.nan, np.float32),
        )


@compiled
def leave_nothing(notes: Notes, place: int) -> None:
    """Let a step leave nothing to the shard."""
    fill(notes.rows[place], 0.0)
    notes.errors[place] = np.nan
    for e in range(notes.losses.shape[1]):
        fill(notes.losses[place, e], np.nan)

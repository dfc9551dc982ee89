"""What a bank goes through: observations with the gaps before them filled, in rounds of at most one step a series.

Letters: N observations of a call, C covariates.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Rows


class Steps(NamedTuple):
    """What the network will go through, in the order of the log: observations, and the gaps before them filled."""

    rows: Rows
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]  # NaN: to be filled
    restart: npt.NDArray[np.bool_]
    step: npt.NDArray[np.int64]  # of the series, microseconds; 0: not known
    event: npt.NDArray[np.int64]  # of the call, never falling
    tick: npt.NDArray[np.int64]  # never falling; steps of one tick come at one time
    source: npt.NDArray[np.int64]  # which observation of the call it is, or comes before
    asked: npt.NDArray[np.bool_]  # whether it is that observation, and not one of the gap before it
    covariates: npt.NDArray[np.float64]  # (.., C)

    def part(self, chosen: slice | npt.NDArray[np.int64]) -> "Steps":
        return Steps(
            self.rows[chosen],
            self.time[chosen],
            self.value[chosen],
            self.restart[chosen],
            self.step[chosen],
            self.event[chosen],
            self.tick[chosen],
            self.source[chosen],
            self.asked[chosen],
            self.covariates[chosen],
        )


def rounds(company: Rows, tick: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of rounds in each of which a company of series has at most one tick, in the order of the log."""
    order = np.argsort(company, kind="stable")
    first = np.diff(company[order], prepend=-1) != 0
    later = np.cumsum(first | (np.diff(tick[order], prepend=-1) != 0))
    turn = np.empty(len(company), np.int64)  # how many ticks the company had before
    turn[order] = later - np.maximum.accumulate(np.where(first, later, 0))
    by_turn = np.argsort(turn, kind="stable")
    ends = np.flatnonzero(np.diff(turn[by_turn], prepend=-1, append=-2))
    for begin, end in pairwise(ends.tolist()):
        yield by_turn[begin:end]


def expanded(
    rows: Rows,
    times: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    events: npt.NDArray[np.int64],
    covariates: npt.NDArray[np.float64],
    restart: npt.NDArray[np.bool_],
    step: npt.NDArray[np.int64],
    missing: npt.NDArray[np.int64],
    source: npt.NDArray[np.int64],
) -> Steps:
    """Steps with the gaps filled, of the observations that are to be gone through."""
    times_over = missing[source] + 1
    each = np.repeat(source, times_over)
    left = np.repeat(np.cumsum(times_over), times_over) - np.arange(len(each)) - 1  # steps until the observation
    order = np.lexsort((-left, events[each]))
    each, left = each[order], left[order]
    last = left == 0
    event = events[each]
    return Steps(
        rows=rows[each],
        time=times[each] - left * step[each],
        value=np.where(last, values[each], np.nan),
        restart=restart[each],
        step=step[each],
        event=event,
        tick=np.cumsum((np.diff(event, prepend=-1) != 0) | (np.diff(left, prepend=-1) != 0)),
        source=each,
        asked=last,
        covariates=np.where(last[:, None], covariates[each], np.nan),
    )

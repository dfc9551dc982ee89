"""What the network is shown of a step.

Letters: N rows of a round, F inputs, B base inputs, P marked horizons, K corrected ones, C covariates, H horizons.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.covariates import Covariates
from lstm_stream.faults import Undo
from lstm_stream.groups import MOST_MEMBERS, POOLED, READ, Groups, Membership, pooled
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.memory import INPUTS, Memory
from lstm_stream.network import Floats, product
from lstm_stream.past import Past
from lstm_stream.pool import Pool
from lstm_stream.readout import LAGS, between, edges

MARKS = (1, 2, 4, 8, 24)
"""Horizons up to which the network is told what has been predicted, and the longest."""
LARGEST = 5.0
"""In reaches: what is shown of a prediction is clipped at this."""


class View(NamedTuple):
    """What is known of a step before the network is asked."""

    own: Floats  # (N, B) what `Memory` tells of the series itself, then its covariates and which are missing
    linear: Floats  # (N, H) moves by the regression on last values that all share, in reaches
    corrections: Floats  # (N, K) what the others' values correct of its first marks (see `Groups`)
    others: Floats  # (N, POOLED) mean inputs of the other members of its group


class Sight:
    """Makes the inputs (N, F) of steps: a `View`, and in place of all moves those in P marked horizons: the linear
    ones, and those by the experts that need no network.

    Corrections and others are there for banks with groups only.
    """

    def __init__(self, rules: Hyperparameters) -> None:
        self.marks = np.asarray(edges(MARKS, rules.horizon))
        self.groups = Groups.empty(rules.horizon)
        self.membership = Membership.empty()
        self.covariates = Covariates.empty(rules.covariates)
        self.base = INPUTS + 2 * rules.covariates
        self.linear = slice(self.base, self.base + len(self.marks))
        self.width = self.linear.stop + len(self.marks)
        if rules.groups:
            self.width += len(self.groups.marks) + POOLED
        self._grouped = rules.groups

    def columns(self) -> dict[str, Columns]:
        """State by series."""
        return {"membership": self.membership, "covariates": self.covariates}

    def look(
        self,
        rows: Rows,
        times: npt.NDArray[np.int64],
        observed: npt.NDArray[np.bool_],
        covariates: npt.NDArray[np.float64],
        memory: Memory,
        past: Past,
        pool: Pool,
        reach: Floats,
    ) -> View:
        """What is known of the newest step of each of these series."""
        of_memory = memory.inputs(rows, times, observed)
        own = np.concatenate([of_memory, self.covariates.inputs(rows, covariates)], 1)
        lags = memory.lagged(rows, np.arange(LAGS + 1)[None, None])[:, 0]
        read = np.concatenate([lags, np.ones((len(rows), 1), np.float32), own], 1)
        linear = product(read, pool.on_lags)
        corrections = others = np.zeros((len(rows), 0), np.float32)
        if self._grouped:
            learning = self.groups.corrections
            corrections = learning(rows, self.membership, of_memory[:, :READ], self.linear, memory, past, reach)
            group = self.membership.group[rows]
            others = pooled(np.where(group > 0, group, -1 - rows), of_memory[:, :POOLED])
        return View(own, linear, corrections, others)

    def inputs(self, view: View, plain: Floats) -> Floats:
        """Inputs (N, F), exact in half precision.

        Parameters
        ----------
        plain : (N, H)
            Moves by the experts that need no network, in reaches.
        """
        moves = [view.linear[:, self.marks - 1], plain[:, self.marks - 1], view.corrections]
        shown = [np.clip(each, -LARGEST, LARGEST) for each in moves]
        return np.concatenate([view.own, *shown, view.others], 1).astype(np.float16).astype(np.float32)

    def strange(self, rows: Rows) -> bool:
        """Whether some of these series have no group yet."""
        return bool((self.membership.group[rows] == 0).any())

    def join(self, rows: Rows) -> None:
        """Let series that came in one event be of one group."""
        self.groups.join(rows, self.membership)

    def small_groups(self, rows: Rows) -> Rows:
        """Groups that these series are in, of those that have a regression."""
        if not self._grouped:
            return np.zeros(0, np.int64)
        groups = np.unique(self.membership.group[rows])
        groups = groups[groups > 0] - 1
        return groups[self.groups.count[groups] <= MOST_MEMBERS]

    def save_groups(self, rows: Rows, undo: Undo) -> None:
        """Save the regressions of these series' groups."""
        groups = self.small_groups(rows)
        if len(groups):
            self.groups.save(groups, undo)

    def forget_groups(self, rows: Rows) -> None:
        """Let the regressions of these series' groups start again."""
        self.groups.forget(self.small_groups(rows))

    def company(self, rows: Rows) -> Rows:
        """A number for each series' group, or for itself where it has none."""
        group = self.membership.group[rows]
        return np.where(group > 0, len(self.membership.group) + group, rows)

    def correction(self, rows: Rows, corrections: Floats, horizon: int) -> Floats:
        """How far values will lie off the linear moves, (N, H), in reaches; NaN for a series in no group.

        Parameters
        ----------
        corrections : (N, K)
            Of the first marks.
        """
        if not self._grouped:
            return np.full((len(rows), horizon), np.nan, np.float32)
        ahead, last = np.arange(1, horizon + 1), int(self.groups.marks[-1])
        near = between(corrections, self.groups.marks, last)
        lasting = np.take(near, np.minimum(ahead, last) - 1, 1)
        fading = np.minimum(last / ahead, 1.0).astype(np.float32)
        member = self.membership.group[rows] > 0
        return np.where(member[:, None], lasting * fading, np.float32(np.nan))

"""What is kept of series beside the state of their model.

Letters: S series.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Flags, Wholes
from lstm_stream.bounds import Bounds
from lstm_stream.columns import grown
from lstm_stream.covariates import Covariates
from lstm_stream.grid import Grid


class Membership(NamedTuple):
    """Which group each series is in; zero: in none."""

    group: Wholes  # (S,) 1 + its index
    slot: Wholes  # (S,) 1 + its place among the members

    @classmethod
    def empty(cls) -> "Membership":
        """Of no series."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))


class Series(NamedTuple):
    """Where each series stands in time and among the others."""

    grid: Grid
    membership: Membership
    covariates: Covariates
    bounds: Bounds
    identity: npt.NDArray[np.uint64]  # (S,) hash of the name
    lately: Flags  # (S,) whether there was a step since the last learning step
    latest: Wholes  # (S,) the rows of these, in the order of the log
    event: Wholes  # (S,) the last event, as counted

    @classmethod
    def empty(cls, covariates: int) -> "Series":
        """Of no series."""
        whole, flags = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        return cls(
            grid=Grid.empty(),
            membership=Membership.empty(),
            covariates=Covariates.empty(covariates),
            bounds=Bounds.empty(),
            identity=np.zeros(0, np.uint64),
            lately=flags,
            latest=whole,
            event=whole,
        )

    def grown(self, capacity: int) -> "Series":
        """With room for so many."""
        more = capacity - len(self.identity)
        return Series(
            grid=grown(self.grid, capacity),
            membership=grown(self.membership, capacity),
            covariates=grown(self.covariates, capacity),
            bounds=grown(self.bounds, capacity),
            identity=np.concatenate([self.identity, np.zeros(more, np.uint64)]),
            lately=np.concatenate([self.lately, np.zeros(more, np.bool_)]),
            latest=np.concatenate([self.latest, np.zeros(more, np.int64)]),
            event=np.concatenate([self.event, np.zeros(more, np.int64)]),
        )

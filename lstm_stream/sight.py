"""What the network is shown of a step.

Letters: N rows of a round, F inputs, B base inputs, P marked horizons, K corrected ones, C covariates, H horizons.
"""

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.covariates import Covariates
from lstm_stream.groups import POOLED, READ, Groups, Membership, pooled
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.memory import INPUTS, Memory
from lstm_stream.network import Floats, product
from lstm_stream.past import Past
from lstm_stream.pool import Pool
from lstm_stream.readout import LAGS, ONE, edges

MARKS = (1, 2, 4, 8, 24)
"""Horizons up to which the network is told what linear regression predicts, and the longest."""
LARGEST = 5.0
"""In reaches: what is shown of a prediction is clipped at this."""


class Sight:
    """Makes the inputs (N, F) of steps: in this order

    - base: what `Memory` tells of the series itself, then its covariates and which are missing;
    - predicted: how far values will move in P marked horizons by the regression on last values that all share;
    - corrected: by how much the values of the others correct the first K of these (see `Groups`);
    - pooled: mean inputs of the other members of its group.

    The last two are there for banks with groups only.
    """

    def __init__(self, rules: Hyperparameters) -> None:
        self.marks = np.asarray(edges(MARKS, rules.horizon))
        self.groups = Groups.empty(rules.horizon)
        self.membership = Membership.empty()
        self.covariates = Covariates.empty(rules.covariates)
        self.base = INPUTS + 2 * rules.covariates
        self.predicted = slice(self.base, self.base + len(self.marks))
        self.corrected = slice(
            self.predicted.stop, self.predicted.stop + (len(self.groups.marks) if rules.groups else 0)
        )
        self.width = self.corrected.stop + (POOLED if rules.groups else 0)
        self._grouped = rules.groups

    def columns(self) -> dict[str, Columns]:
        """State by series."""
        return {"membership": self.membership, "covariates": self.covariates}

    def inputs(
        self,
        rows: Rows,
        times: npt.NDArray[np.int64],
        observed: npt.NDArray[np.bool_],
        covariates: npt.NDArray[np.float64],
        memory: Memory,
        past: Past,
        pool: Pool,
        reach: Floats,
    ) -> Floats:
        """Inputs of the newest step of each of these series, exact in half precision."""
        own = memory.inputs(rows, times, observed)
        base = np.concatenate([own, self.covariates.inputs(rows, covariates)], 1)
        lags = memory.lagged(rows, np.arange(LAGS + 1)[None, None])[:, 0]
        read = np.concatenate([lags, np.ones((len(rows), 1), np.float32), base], 1)
        predicted = product(read, pool.on_lags[self.marks - 1])
        parts = [base, np.clip(predicted, -LARGEST, LARGEST)]
        if self._grouped:
            parts += self._of_group(rows, own, memory, past, reach)
        return np.concatenate(parts, 1).astype(np.float16).astype(np.float32)

    def strange(self, rows: Rows) -> bool:
        """Whether some of these series have no group yet."""
        return bool((self.membership.group[rows] == 0).any())

    def join(self, rows: Rows) -> None:
        """Let series that came in one event be of one group."""
        self.groups.join(rows, self.membership)

    def company(self, rows: Rows) -> Rows:
        """A number for each series' group, or for itself where it has none."""
        group = self.membership.group[rows]
        return np.where(group > 0, len(self.membership.group) + group, rows)

    def correction(self, rows: Rows, regressors: Floats, horizon: int) -> Floats:
        """How far values will lie off what is predicted, (N, H), in reaches; NaN for a series in no group.

        Parameters
        ----------
        regressors : (N, Z)
            Of readouts, now.
        """
        if not self._grouped:
            return np.full((len(rows), horizon), np.nan, np.float32)
        said = regressors[:, ONE + 1 + self.corrected.start : ONE + 1 + self.corrected.stop]
        marks, ahead = self.groups.marks, np.arange(1, horizon + 1)
        lower = np.searchsorted(marks, ahead, "right") - 1
        upper = np.minimum(lower + 1, len(marks) - 1)
        part = np.where(upper > lower, (ahead - marks[lower]) / np.maximum(marks[upper] - marks[lower], 1), 0.0)
        between = said[:, lower] + part.astype(np.float32) * (said[:, upper] - said[:, lower])
        fading = np.minimum(marks[-1] / ahead, 1.0).astype(np.float32)
        member = self.membership.group[rows] > 0
        return np.where(member[:, None], between * fading, np.float32(np.nan))

    def _of_group(self, rows: Rows, own: Floats, memory: Memory, past: Past, reach: Floats) -> list[Floats]:
        corrections = self.groups.corrections(rows, self.membership, own[:, :READ], self.predicted, memory, past, reach)
        alone = -1 - rows
        group = self.membership.group[rows]
        return [
            np.clip(corrections, -LARGEST, LARGEST),
            pooled(np.where(group > 0, group, alone), own[:, :POOLED]),
        ]

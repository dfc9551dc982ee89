"""Where the observations of some series come to lie in time, and what would become of each, without a model.

Letters: N observations, S series.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import grown
from lstm_stream.grid import Grid, Rhythm, place_all
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.references import refer
from lstm_stream.seasons import SECOND


class Timeline(NamedTuple):
    """What a bank would make of the times of its first observations."""

    names: tuple[str, ...]  # (S,) in the order in which they came
    step: npt.NDArray[np.float64]  # (S,) seconds; 0: not known after so few observations
    gridded: npt.NDArray[np.bool_]  # (S,) whether its times keep the step
    row: npt.NDArray[np.int64]  # (N,) series of each observation
    outcome: npt.NDArray[np.uint8]  # (N,) see Outcome
    restart: npt.NDArray[np.bool_]  # (N,) the series starts with it, or starts again


def timeline(
    series: Sequence[str], times: npt.NDArray[np.int64], values: npt.NDArray[np.float64], rules: Hyperparameters
) -> Timeline:
    """Place observations, in the order of the log, of series that begin here.

    Parameters
    ----------
    series
        Name of each observation's series, (N,).
    times
        Microseconds since the epoch, (N,).
    values
        Finite, or NaN for a missing one, (N,).
    rules
        Of a bank: its step, max_gap and restart_after.

    Examples
    --------
    >>> import numpy as np
    >>> times = np.array([0, 60, 30, 60]) * 1_000_000
    >>> timeline(["a"] * 4, times, np.ones(4), Hyperparameters()).outcome.tolist()
    [0, 0, 1, 2]
    """
    names = {name: index for index, name in enumerate(dict.fromkeys(series))}
    rows = np.fromiter((names[name] for name in series), np.int64, len(series))
    grid = grown(Grid.empty(), len(names))
    outcome, restart = np.zeros(len(rows), np.uint8), np.zeros(len(rows), np.bool_)
    place_all(
        refer(grid), refer(Rhythm.of(rules)), rows, np.asarray(times, np.int64), np.isnan(values), outcome, restart
    )
    return Timeline(tuple(names), grid.step / SECOND, grid.gridded, rows, outcome, restart)

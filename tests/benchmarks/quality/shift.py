"""How soon forecasts are good again when all series move up at once and stay there.

Letters: T rows since the shift.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.actuals import Floats, Rows
from pipeline.evaluation.log import Log
from tests.benchmarks.quality.dataset import DataSet, data_set, name_of, read
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.track import HORIZON, HORIZONS, Track, by_origin, show_all, track
from tests.benchmarks.quality.workers import Start

WORSE = 1.1
COVERED = 0.85
BARS = {"error": 200, "coverage": 300}
"""Rows."""


class Step(msgspec.Struct, frozen=True):
    """What is shifted, from which row on, by how many standard deviations, for how long; and the rows of a mean."""

    path: str
    at: int = 9000
    until: int = 9600
    by: float = 3.0
    window: int = 100


class Recovery(msgspec.Struct, frozen=True):
    """How many rows after the shift the last ones, a window of them, were good again; None: never.

    Attributes
    ----------
    error, coverage
        Rows until the mean absolute error was within 10 % of the undisturbed run's, and coverage at least 85 %.
    error_ratios
        Error over the undisturbed run's, of the windows that end 100, 200, ... rows after the shift.
    coverages
        The same of coverage.
    """

    error: int | None
    coverage: int | None
    error_ratios: tuple[float, ...]
    coverages: tuple[float, ...]


class Shift(msgspec.Struct, frozen=True):
    """Recoveries by horizon."""

    name: str
    window: int
    recoveries: dict[int, Recovery]

    def markdown(self) -> str:
        """A row a horizon."""
        head = ["H", "rows until MAE is back", "rows until coverage is back", "MAE ratios", "coverages"]
        rows = (
            [
                str(horizon),
                _told(one.error, BARS["error"]),
                _told(one.coverage, BARS["coverage"]),
                " / ".join(f"{each:.3f}" for each in one.error_ratios),
                " / ".join(f"{100 * each:.1f}" for each in one.coverages),
            ]
            for horizon, one in self.recoveries.items()
        )
        kind = f"{self.name}; means of the last {self.window} rows, told every {self.window} rows."
        return f"{kind}\n\n{grid(head, rows)}"


def shift(step: Step, start: Start) -> Shift:
    """Run a set with the shift and without."""
    return start(measured, step).result()


def measured(step: Step) -> Shift:
    """Two runs that part at the shift."""
    still = read(step.path, step.until)
    moved = shifted(still, step)
    bank = Bank(Hyperparameters(horizon=HORIZON, step="event", max_gap=ANY_GAP, groups=still.grouped))
    show_all(bank, still.log.cut(still.log.rows < step.at))
    calm, stirred = (track(Bank.load(*bank.dump()), data, step.at) for data in (still, moved))
    recoveries = {h: _recovery(calm, stirred, h, step.window) for h in HORIZONS}
    return Shift(name_of(step.path), step.window, recoveries)


def shifted(data: DataSet, step: Step) -> DataSet:
    """A set with all series shifted; their units stay."""
    log: Log = data.log
    values = log.values + step.by * data.came.unit[log.series] * (log.rows >= step.at)
    scale = Rows(scale=step.at // 2, score_from=step.at, score_to=step.until)
    moved = data_set(data.name, log._replace(values=values), scale)
    return moved._replace(came=moved.came._replace(unit=data.came.unit))


def _recovery(calm: Track, stirred: Track, horizon: int, window: int) -> Recovery:
    errors = (_trailing(by_origin(each.error, horizon), window) for each in (stirred, calm))
    ratio = np.divide(*errors)
    covered = _trailing(by_origin(stirred.inside, horizon), window)
    return Recovery(
        error=_first(ratio <= WORSE, window),
        coverage=_first(covered >= COVERED, window),
        error_ratios=tuple(ratio[::window].tolist()),
        coverages=tuple(covered[::window].tolist()),
    )


def _trailing(values: Floats, window: int) -> Floats:
    """Means of so many values in a row; the first ends with value number `window`."""
    return np.convolve(values, np.full(window, 1 / window), "valid")


def _first(good: npt.NDArray[np.bool_], window: int) -> int | None:
    found = np.flatnonzero(good)
    return int(found[0]) + window if len(found) else None


def _told(rows: int | None, bar: int) -> str:
    if rows is None:
        return f"never (bar {bar}: MISSED)"
    return f"{rows} (bar {bar}: {'met' if rows <= bar else 'MISSED'})"

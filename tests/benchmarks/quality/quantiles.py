"""Quantiles of 101 levels on every set: does each hold its share, how good is the median, how good are all of them.

Letters: S series, N rows of a batch, H steps ahead, L levels, K scored horizons.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from lstm_stream import Bank, Hyperparameters
from pipeline.evaluation.actuals import Actuals, Floats, Integers
from pipeline.evaluation.baselines import SeasonalNaive
from pipeline.evaluation.scoring import HORIZONS
from tests.benchmarks.quality.case import HORIZON, Case
from tests.benchmarks.quality.dataset import BATCH, name_of, read, show
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.workers import Start

LEVELS = (0.001, *(percent / 100 for percent in range(1, 100)), 0.999)
TENTHS = tuple(percent / 10 for percent in range(1, 10))
"""Levels that the CRPS is the mean loss of."""
TENTHS_AT = tuple(int(np.argmin(np.abs(np.subtract(LEVELS, level)))) for level in TENTHS)
MEDIAN_AT = TENTHS_AT[4]
COVERAGE_BAR, MEDIAN_BAR = 0.02, 1.0


class Cell(msgspec.Struct, frozen=True):
    """One set up to one horizon, means over series.

    Attributes
    ----------
    coverage : (L,)
        Share of targets that are at most the quantile of each level.
    worst
        Level, of all but the two outermost, that lies the furthest off; and how far.
    worst_series
        How far the worst level of the worst series is off.
    median_over_mean
        MAE of the .5 quantile over that of the mean.
    crps, last_value
        Mean pinball loss of the levels .1 to .9, twice; that of the last value, as all its quantiles.
    ordered
        Whether no quantile was below that of a lower level.
    """

    coverage: tuple[float, ...]
    worst: tuple[float, float]
    worst_series: float
    median_over_mean: float
    crps: float
    last_value: float
    ordered: bool


class Row(msgspec.Struct, frozen=True):
    """One set, by horizon."""

    name: str
    cells: dict[int, Cell]


class Quantiles(msgspec.Struct, frozen=True):
    """A row a set; the levels that coverage is told of."""

    levels: tuple[float, ...]
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """The table, and how many cells are within the bars."""
        cells = [cell for row in self.rows for cell in row.cells.values()]
        within = sum(cell.worst[1] <= COVERAGE_BAR for cell in cells)
        as_good = sum(round(cell.median_over_mean, 3) <= MEDIAN_BAR for cell in cells)
        horizons = " / ".join(str(h) for h in self.rows[0].cells)
        head = [f"H = {horizons}", "worst level", "off by, points", "worst series", ".5 over mean, MAE"]
        head += ["CRPS", "last value's", "below .001, %", "above .999, %", "in order"]
        lines = [
            f"Coverage of all levels .01 to .99 within 2 points: {within} of {len(cells)} cells.",
            f"MAE of the .5 quantile no worse than the mean's, to three digits: {as_good} of {len(cells)} cells.",
        ]
        return "\n\n".join(["\n".join(lines), grid(head, [_texts(row) for row in self.rows])])


def quantiles(paths: Sequence[str], effort: float, start: Start) -> Quantiles:
    """Run every set."""
    begun = [start(measured, Case(path, effort=effort)) for path in paths]
    return Quantiles(LEVELS, tuple(future.result() for future in begun))


def measured(case: Case) -> Row:
    """Show a set to a bank that is asked for all levels."""
    data = read(case.path, case.rows)
    rules = Hyperparameters(
        horizon=HORIZON, step="event", effort=case.effort, groups=data.grouped and case.groups, quantiles=LEVELS
    )
    bank, last, sums = Bank(rules), SeasonalNaive(HORIZON, 1), _Sums(data.came)
    for batch in data.log.batches(BATCH):
        forecasts = show(bank, batch)
        naive = last.observe(batch.series, batch.values)
        sums.add(batch.series, batch.rows, forecasts.mean, forecasts.quantiles, naive)
    return Row(name_of(case.path), sums.cells())


class _Sums:
    """Of what is scored, by horizon and series."""

    def __init__(self, came: Actuals) -> None:
        self._came = came
        shape = (len(HORIZONS), len(came.first))
        self._count = np.zeros(shape)
        self._below = np.zeros((*shape, len(LEVELS)))
        self._losses = np.zeros((*shape, 4))  # of the mean, the median, all levels, last value
        self._ordered = True

    def add(self, series: Integers, rows: Integers, mean: Floats, quantiles: Floats, naive: Floats) -> None:
        """Score N forecasts (N, H) with quantiles (N, H, L), and those of the last value."""
        scored = self._came.scored(series, rows)
        self._ordered = self._ordered and bool((np.diff(quantiles, axis=2) >= 0).all())
        series, rows, quantiles = series[scored], rows[scored], quantiles[scored]
        targets = self._came.targets(series, rows, HORIZON)
        unit = self._came.unit[series, None]
        loss = _losses(mean[scored], quantiles, naive[scored], targets) / unit[:, :, None]
        below = targets[:, :, None] <= quantiles
        known = np.isfinite(targets)
        for k, horizon in enumerate(HORIZONS):
            use = known[:, :horizon] & (rows + horizon < self._came.score_to[series])[:, None]
            np.add.at(self._count[k], series, use.sum(1))
            np.add.at(self._below[k], series, (below[:, :horizon] & use[:, :, None]).sum(1))
            np.add.at(self._losses[k], series, np.where(use[:, :, None], loss[:, :horizon], 0.0).sum(1))

    def cells(self) -> dict[int, Cell]:
        """The means."""
        return {horizon: self._cell(k) for k, horizon in enumerate(HORIZONS)}

    def _cell(self, k: int) -> Cell:
        coverage = self._below[k] / self._count[k][:, None]  # (S, L)
        of_mean, of_median, crps, of_last = (self._losses[k] / self._count[k][:, None]).mean(0).tolist()
        off = np.abs(coverage.mean(0) - LEVELS)[1:-1]
        worst = int(off.argmax())
        return Cell(
            coverage=tuple(coverage.mean(0).tolist()),
            worst=(LEVELS[1 + worst], float(off[worst])),
            worst_series=float(np.abs(coverage - LEVELS)[:, 1:-1].max()),
            median_over_mean=of_median / of_mean,
            crps=crps,
            last_value=of_last,
            ordered=self._ordered,
        )


def _losses(mean: Floats, quantiles: Floats, naive: Floats, targets: Floats) -> Floats:
    """Absolute errors of the mean and the median, the CRPS, and the last value's, (N, H, 4)."""
    above = targets[:, :, None] - quantiles[:, :, TENTHS_AT]
    pinball = np.maximum(np.multiply(TENTHS, above), np.subtract(TENTHS, 1.0) * above)
    median = np.abs(targets - quantiles[:, :, MEDIAN_AT])
    return np.stack([np.abs(targets - mean), median, 2 * pinball.mean(2), np.abs(targets - naive)], 2)


def _texts(row: Row) -> list[str]:
    cells = list(row.cells.values())
    columns = [
        [f"{cell.worst[0]:g}" for cell in cells],
        [f"{100 * cell.worst[1]:.1f}" for cell in cells],
        [f"{100 * cell.worst_series:.1f}" for cell in cells],
        [f"{cell.median_over_mean:.3f}" for cell in cells],
        [f"{cell.crps:#.3g}" for cell in cells],
        [f"{cell.last_value:#.3g}" for cell in cells],
        [f"{100 * cell.coverage[0]:.2f}" for cell in cells],
        [f"{100 - 100 * cell.coverage[-1]:.2f}" for cell in cells],
        ["yes" if cell.ordered else "NO" for cell in cells[:1]],
    ]
    return [row.name, *(" / ".join(column) for column in columns)]

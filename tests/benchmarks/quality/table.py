"""How far off the forecasts are on each set, beside the best of twenty baselines and what is published."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from pipeline.evaluation.scoring import Score
from tests.benchmarks.quality.case import Case, Outcome, run
from tests.benchmarks.quality.markdown import grid, verdict
from tests.benchmarks.quality.reference import PUBLISHED, Baselines, Metric, geometric, number
from tests.benchmarks.quality.workers import Start

SMALLEST = "water_flow"
"""Means are told without this set too: with 951 scored rows of one series it is the least to go by."""


class Cell(msgspec.Struct, frozen=True):
    """The scores at one horizon, and errors over the best baseline's."""

    score: Score
    mse_ratio: float
    mae_ratio: float


class Row(msgspec.Struct, frozen=True):
    """One set: cells by horizon, microseconds of CPU an observation, and how much of the mean rests on the LSTM."""

    name: str
    cells: dict[int, Cell]
    microseconds: float
    lstm_share: float


class Means(msgspec.Struct, frozen=True):
    """Geometric means of ratios over sets and horizons, over sets by horizon, and the worst of them."""

    mse: float
    mae: float
    mse_by_horizon: dict[int, float]
    mae_by_horizon: dict[int, float]
    worst_mse: float
    worst_mae: float


class Bar(msgspec.Struct, frozen=True):
    """An MSE beside the one that was published."""

    name: str
    horizon: int
    mse: float
    published: float


class Table(msgspec.Struct, frozen=True):
    """A row a set, and means over all of them and over all but the smallest."""

    rows: tuple[Row, ...]
    means: Means
    means_without_smallest: Means | None
    bars: tuple[Bar, ...]

    def markdown(self) -> str:
        """The table, the means, and what is published."""
        share = (
            f"The LSTM's share of the forecasts is {np.mean([row.lstm_share for row in self.rows]):.2f} (mean of sets)."
        )
        parts = [_rows_table(self.rows), _means_table(self), share]
        bars = [f"- {bar.name}, H = {bar.horizon}: MSE {verdict(bar.mse, bar.published)}" for bar in self.bars]
        return "\n\n".join([*parts, "\n".join(bars)]).strip()


def table(paths: Sequence[str], baselines: Mapping[str, Baselines], effort: float, start: Start) -> Table:
    """Run every set."""
    begun = [start(run, Case(path, effort=effort)) for path in paths]
    return tabulated([future.result() for future in begun], baselines)


def tabulated(outcomes: Sequence[Outcome], baselines: Mapping[str, Baselines]) -> Table:
    """Outcomes beside the best baselines."""
    rows = tuple(_row(outcome, baselines[outcome.name]) for outcome in outcomes)
    others = [row for row in rows if row.name != SMALLEST]
    return Table(
        rows=rows,
        means=_means(rows),
        means_without_smallest=_means(others) if 0 < len(others) < len(rows) else None,
        bars=tuple(_bars(outcomes)),
    )


def _row(outcome: Outcome, baselines: Baselines) -> Row:
    def ratio(horizon: int, metric: Metric) -> float:
        return number(outcome.scores[horizon], metric) / baselines.best[horizon][metric].value

    cells = {h: Cell(score, ratio(h, "mse"), ratio(h, "mae")) for h, score in outcome.scores.items()}
    return Row(outcome.name, cells, outcome.microseconds, outcome.lstm_share)


def _means(rows: Sequence[Row]) -> Means:
    horizons = list(rows[0].cells)
    mse = np.array([[row.cells[h].mse_ratio for h in horizons] for row in rows])  # (sets, horizons)
    mae = np.array([[row.cells[h].mae_ratio for h in horizons] for row in rows])
    return Means(
        mse=geometric(mse.ravel()),
        mae=geometric(mae.ravel()),
        mse_by_horizon={h: geometric(mse[:, place]) for place, h in enumerate(horizons)},
        mae_by_horizon={h: geometric(mae[:, place]) for place, h in enumerate(horizons)},
        worst_mse=float(mse.max()),
        worst_mae=float(mae.max()),
    )


def _bars(outcomes: Sequence[Outcome]) -> Iterable[Bar]:
    for outcome in outcomes:
        for horizon, published in PUBLISHED.get(outcome.name, {}).items():
            yield Bar(outcome.name, horizon, number(outcome.scores[horizon], "mse"), published)


def _rows_table(rows: Sequence[Row]) -> str:
    horizons = " / ".join(str(h) for h in rows[0].cells)
    head = [f"H = {horizons}", "MSE", "over the best", "MAE", "over the best", "MASE", "in 90 %", "interval score"]
    return grid([*head, "us CPU", "LSTM's share"], [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    cells = list(row.cells.values())
    scores = [cell.score for cell in cells]
    return [
        row.name,
        _joined(score.mse for score in scores),
        _joined(cell.mse_ratio for cell in cells),
        _joined(score.mae for score in scores),
        _joined(cell.mae_ratio for cell in cells),
        _joined(score.mase for score in scores),
        " / ".join(f"{100 * (score.coverage or 0):.1f}" for score in scores),
        _joined(score.interval_score for score in scores),
        f"{row.microseconds:.0f}",
        f"{row.lstm_share:.2f}",
    ]


def _joined(values: Iterable[float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:#.3g}" for value in values)


def _means_table(table: Table) -> str:
    kinds = {"all sets": table.means, f"without {SMALLEST}": table.means_without_smallest}
    head = ["geometric mean over the best", "MSE", "by H", "worst", "MAE", "by H", "worst"]
    return grid(head, [_mean_cells(kind, means) for kind, means in kinds.items() if means])


def _mean_cells(kind: str, means: Means) -> list[str]:
    mse, mae = _joined(means.mse_by_horizon.values()), _joined(means.mae_by_horizon.values())
    return [kind, f"{means.mse:.4f}", mse, f"{means.worst_mse:.3f}", f"{means.mae:.4f}", mae, f"{means.worst_mae:.3f}"]

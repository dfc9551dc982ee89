"""Intervals beside those of the same kind around the last value and around the seasonal naive.

Letters: S series, N rows of a round, H horizons, L quantile levels.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from lstm_stream import Hyperparameters
from lstm_stream.anomaly import Errors
from lstm_stream.arithmetic import Doubles
from lstm_stream.columns import Rows, grown
from lstm_stream.compiled import entry
from lstm_stream.history import History, append, back
from lstm_stream.interval_state import Intervals, Layout, Workspace
from lstm_stream.intervals import learn_errors, measure_errors, open_intervals, write_quantiles
from lstm_stream.move_scale import Moves, measure_moves, open_moves
from lstm_stream.scale import Scale, rescale, set_step, spread_of
from pipeline.evaluation.actuals import Floats
from pipeline.evaluation.baselines import SeasonalNaive
from pipeline.evaluation.log import Log
from pipeline.evaluation.scoring import HORIZONS, Score, Scorer
from tests.benchmarks.quality.case import HORIZON, LEVEL, Case, Outcome, run
from tests.benchmarks.quality.dataset import BATCH, read
from tests.benchmarks.quality.markdown import by_set, verdict
from tests.benchmarks.quality.reference import number, over_all
from tests.benchmarks.quality.workers import Start

BAR = 0.85
Naive = Literal["last_value", "seasonal_naive"]


class Around(msgspec.Struct, frozen=True):
    """Which set, and what the bands are laid around."""

    path: str
    naive: Naive


class Bands(msgspec.Struct, frozen=True):
    """Interval scores: ours over the better of the two others', and all three by set and horizon."""

    ratio: float
    ratios: dict[str, dict[int, float]]
    ours: dict[str, dict[int, Score]]
    last_value: dict[str, dict[int, Score]]
    seasonal_naive: dict[str, dict[int, Score]]

    def markdown(self) -> str:
        """The mean and each ratio."""
        head = f"Interval score over the better naive bands' (geometric mean): {verdict(self.ratio, BAR)}."
        return f"{head}\n\n{by_set(self.ratios)}"


def bands(paths: Sequence[str], effort: float, start: Start) -> Bands:
    """Run every set, with our forecasts and with both naive ones."""
    begun = [start(run, Case(path, effort=effort)) for path in paths]
    last = [start(band, Around(path, "last_value")) for path in paths]
    seasonal = [start(band, Around(path, "seasonal_naive")) for path in paths]
    ours: list[Outcome] = [future.result() for future in begun]
    named = [our.name for our in ours]
    found = Bands(
        ratio=0.0,
        ratios={},
        ours={our.name: our.scores for our in ours},
        last_value=dict(zip(named, (future.result() for future in last), strict=True)),
        seasonal_naive=dict(zip(named, (future.result() for future in seasonal), strict=True)),
    )
    against = {name: _ratios(found, name) for name in named}
    return msgspec.structs.replace(found, ratio=over_all(against), ratios=against)


def _ratios(bands: Bands, name: str) -> dict[int, float]:
    better = {
        h: min(number(naive[name][h], "interval_score") for naive in (bands.last_value, bands.seasonal_naive))
        for h in bands.ours[name]
    }
    return {h: number(score, "interval_score") / better[h] for h, score in bands.ours[name].items()}


def band(around: Around) -> dict[int, Score]:
    """Scores of the bands around one kind of naive forecast of a set."""
    data = read(around.path)
    season = data.log.season if around.naive == "seasonal_naive" else 1
    naive, bands = SeasonalNaive(HORIZON, season), NaiveBands(len(data.log.names), data.log.step)
    scorer = Scorer(data.came, HORIZONS, LEVEL)
    for batch in data.log.batches(BATCH):
        mean = naive.observe(batch.series, batch.values)
        quantiles = np.empty((*mean.shape, len(bands.levels)))
        for round_ in rounds(batch):
            quantiles[round_] = bands.observe(batch.series[round_], batch.values[round_], mean[round_])
        scorer.add(batch.series, batch.rows, mean, quantiles)
    return scorer.scores()


def rounds(batch: Log) -> Iterator[Rows]:
    """Places of observations that lie in the same row, by rows."""
    order = np.argsort(batch.rows, kind="stable")
    ends = np.flatnonzero(np.diff(batch.rows[order])) + 1
    yield from np.split(order, ends)


class NaiveBands:
    """The intervals of a bank, of forecasts that are made elsewhere.

    Parameters
    ----------
    series
        How many there are, S.
    step
        Seconds.
    """

    def __init__(self, series: int, step: float) -> None:
        rules = Hyperparameters(horizon=HORIZON)
        self.levels = rules.quantiles
        self._kept = Kept(
            grown(History.empty(rules.memory), series),
            grown(Scale.empty(), series),
            grown(Moves.empty(HORIZON), series),
            grown(Intervals.empty(HORIZON), series),
            grown(Errors.empty(), series),
        )
        self._layout, self._work, self._step = (
            Layout.of(HORIZON, rules.quantiles),
            Workspace.of(HORIZON),
            round(1e6 * step),
        )

    def observe(self, rows: Rows, values: Floats, mean: Floats) -> Floats:
        """Take one value of each of these series (N,) and its forecast (N, H); quantiles of what comes (N, H, L).

        As in a bank, a missing value counts as what was foreseen of it.
        """
        quantiles: Floats = np.empty((*mean.shape, len(self.levels)))
        _observe(self._kept, self._layout, self._work, self._step, rows, values, np.ascontiguousarray(mean), quantiles)
        return mean[:, :, None] + quantiles


class Kept(NamedTuple):
    """What is kept of each series."""

    history: History
    scale: Scale
    moves: Moves
    intervals: Intervals
    errors: Errors


@entry
def _observe(
    kept: Kept,
    layout: Layout,
    work: Workspace,
    step: int,
    rows: Rows,
    values: Doubles,
    mean: Doubles,
    quantiles: Doubles,
) -> None:
    """Write the quantiles (N, H, L) of the errors to come, after one value of each of these series."""
    history, scale, moves, intervals, errors = kept
    horizon = mean.shape[1]
    moved, unit = np.zeros(horizon, np.float32), np.zeros(horizon, np.float32)
    ahead, none = np.zeros(horizon, np.float32), np.zeros(horizon, np.float32)
    for n in range(len(rows)):
        i = rows[n]
        set_step(scale, history, i, step)
        seen = np.isfinite(values[n])
        append(history, i, values[n] if seen else history.latest[i] + intervals.newest[i, 0])
        t = history.age[i] - 1
        if seen:
            measure_moves(moves, i, t, back(history, i, 0), moved, unit)
            measure_errors(intervals, layout, i, t, moved, unit, work)
            learn_errors(intervals, layout, i, t, unit, work)
            rescale(scale, history, i, 0.0)
        spread = spread_of(scale, history, i)
        for h in range(horizon):
            ahead[h] = mean[n, h] - history.latest[i]
        open_intervals(intervals, errors, layout, i, t, spread, ahead, none, work.quantiles)
        open_moves(moves, i, t, back(history, i, 0), spread)
        write_quantiles(intervals, layout, i, spread, 1.0, work.quantiles, quantiles[n])

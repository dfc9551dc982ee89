"""Prequential, leak-free scores of forecasts: MSE, MAE, MASE, coverage, mean width and interval score.

Each series has its own rows, counted from 0. The first ``scale`` rows from its first known value on give its unit,
their standard deviation, and all errors are in that unit; a series without one is left out of the means, and named.
Rows ``[score_from, score_to)`` are scored. The forecast of row i is the one taken when row i was the last one shown; a
horizon of k steps is scored over the origins whose k targets all lie in the scored rows. A score is the mean over steps
1..k and over origins, then over series. Missing targets are left out.

Shapes: N forecasts at a time, H steps ahead, S series, K scored horizons, R rows of all series end to end.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.evaluation.actuals import Actuals, Floats, Integers

HORIZONS = (1, 24, 48)
DOMINANT = 10  # times the median error of the others: such a series is named where it makes most of a mean


class Score(msgspec.Struct, frozen=True):
    """Means over series, in each one's own unit; None where nothing could be scored.

    Attributes
    ----------
    mse, mae, mase
        Of the forecasts' means; MASE by the seasonal difference before the scored rows.
    coverage
        Share of targets inside the outermost quantiles, 0 to 1.
    width
        Mean distance of these two.
    interval_score
        Width and penalties for misses (Gneiting and Raftery 2007, eq. 43).
    """

    mse: float | None
    mae: float | None
    mase: float | None
    coverage: float | None = None
    width: float | None = None
    interval_score: float | None = None


class Result(msgspec.Struct, frozen=True):
    """Scores of one forecaster by horizon, and how many observations it took a second.

    Attributes
    ----------
    events_per_second
        None for a part of the model, which ran with it.
    """

    horizons: dict[int, Score]
    events_per_second: float | None = None


class PeerResult(Result, frozen=True, kw_only=True):
    """Scores of another project's forecaster, and how they came about.

    Attributes
    ----------
    stride
        Forecasts of more than one step were made, and are scored, at every so manyth row.
    fallbacks
        Scored forecasts for which the last value stood in, as it raised an error or its own were absurd.
    """

    stride: int
    fallbacks: int


class Report(msgspec.Struct, frozen=True):
    """What `evaluate` tells; as JSON, the last line of ``lstm-stream evaluate --json``.

    Attributes
    ----------
    model, lstm, readout, last_value, seasonal_naive
        The scores: of the whole model, of two of its parts alone (the LSTM's head, and each series' own readout of its
        hidden state), and of the baselines.
    series
        How many series were read.
    rows
        Rows shown of the longest series.
    season
        Steps of a season, as found from the time stamps.
    peers
        The scores of other projects' forecasters, by name; none unless asked for.
    left_out
        Series that are in no mean, and why.
    without_mase
        Series that are left out of the mean of MASE, as their seasonal difference is zero or not known.
    dominant
        The series whose error is most of the mean though most have a tenth of it at most; None: there is none.
    own_numbers
        Whether errors are in the values' own unit, as none of the series varies in the rows that give it.
    season_beyond
        Whether the season is longer than what comes before the scored rows of any series.
    """

    model: Result
    lstm: Result
    readout: Result
    last_value: Result
    seasonal_naive: Result
    series: int
    rows: int
    season: int
    peers: dict[str, PeerResult] = {}
    left_out: dict[str, str] = {}
    without_mase: tuple[str, ...] = ()
    dominant: str | None = None
    own_numbers: bool = False
    season_beyond: bool = False


class Scorer:
    """Sums up the errors of one forecaster; what is kept does not grow with the rows.

    Parameters
    ----------
    actuals
        What came.
    horizons
        The K horizons to score, each at most H.
    level
        Share of targets that the outermost quantiles are meant to hold; 0: there are no quantiles.
    """

    def __init__(self, actuals: Actuals, horizons: Sequence[int], level: float = 0.0) -> None:
        self._actuals = actuals
        self._horizons = tuple(horizons)
        self._level = level
        shape = (len(self._horizons), len(actuals.first))  # (K, S)
        self._counts = np.zeros(shape)
        self._sums = {name: np.zeros(shape) for name in ("mse", "mae", "coverage", "width", "interval_score")}
        self._step_counts = np.zeros(max(self._horizons))
        self._step_sums = np.zeros(max(self._horizons))

    def add(self, series: Integers, rows: Integers, mean: Floats, quantiles: Floats) -> None:
        """Score N forecasts.

        Parameters
        ----------
        series, rows : (N,)
            Which series, and its last row shown.
        mean : (N, H)
            Forecasts of rows + 1 .. rows + H.
        quantiles : (N, H, Q)
            In rising order; Q may be 0.
        """
        scored = self._actuals.scored(series, rows)
        if not scored.any():
            return
        series, rows = series[scored], rows[scored]
        steps = len(self._step_sums)
        targets = self._actuals.targets(series, rows, steps)  # (N, H)
        unit = self._actuals.unit[series, np.newaxis]
        losses = _losses(mean[scored, :steps], quantiles[scored, :steps], targets, unit, self._level)
        known = np.isfinite(targets)
        for k, horizon in enumerate(self._horizons):
            self._add_horizon(k, horizon, series, rows, known, losses)
        np.add(self._step_counts, known.sum(axis=0), out=self._step_counts)
        np.add(self._step_sums, np.where(known, losses["mae"], 0).sum(axis=0), out=self._step_sums)

    def _add_horizon(
        self,
        k: int,
        horizon: int,
        series: Integers,
        rows: Integers,
        known: npt.NDArray[np.bool_],
        losses: dict[str, Floats],
    ) -> None:
        whole = rows + horizon < self._actuals.score_to[series]  # (N,)
        use = known[:, :horizon] & whole[:, np.newaxis]
        count = len(self._actuals.first)
        self._counts[k] += np.bincount(series, use.sum(axis=1), minlength=count)
        for name, loss in losses.items():
            total = np.where(use, loss[:, :horizon], 0).sum(axis=1)
            self._sums[name][k] += np.bincount(series, total, minlength=count)

    def scores(self) -> dict[int, Score]:
        """The score of each horizon."""
        return {horizon: self._score(k) for k, horizon in enumerate(self._horizons)}

    def _score(self, k: int) -> Score:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = {name: sums[k] / self._counts[k] for name, sums in self._sums.items()}  # (S,) each
            mase = means["mae"] / self._actuals.naive_error
        point = Score(_mean(means["mse"]), _mean(means["mae"]), _mean(mase))
        if not self._level:
            return point
        return msgspec.structs.replace(
            point,
            coverage=_mean(means["coverage"]),
            width=_mean(means["width"]),
            interval_score=_mean(means["interval_score"]),
        )

    def dominant(self) -> int | None:
        """The series that makes more than half of the mean MSE of the longest horizon, far above the others."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mse = self._sums["mse"][-1] / self._counts[-1]  # (S,)
        mse = np.where(np.isfinite(mse), mse, 0.0)
        largest = int(np.argmax(mse))
        others = np.delete(mse, largest)
        others = others[others > 0]
        if len(others) < 2 or mse[largest] <= max(float(others.sum()), DOMINANT * float(np.median(others))):
            return None
        return largest

    def without_mase(self) -> list[int]:
        """Series that are scored, but not by MASE."""
        return np.flatnonzero((self._counts[0] > 0) & ~np.isfinite(self._actuals.naive_error)).tolist()

    def mae_by_step(self) -> Floats:
        """Mean absolute error of each step 1..H, over all series together; NaN where nothing came."""
        with np.errstate(invalid="ignore"):
            return np.divide(self._step_sums, self._step_counts)  # (H,)


def _losses(mean: Floats, quantiles: Floats, targets: Floats, unit: Floats, level: float) -> dict[str, Floats]:
    """Losses of N x H forecasts, in units."""
    errors = (mean - targets) / unit
    losses = {"mse": errors**2, "mae": np.abs(errors)}
    if not level:
        return losses
    lower, upper = quantiles[..., 0], quantiles[..., -1]
    width = (upper - lower) / unit
    miss = (np.maximum(lower - targets, 0) + np.maximum(targets - upper, 0)) / unit
    inside = (lower <= targets) & (targets <= upper)
    interval_score = width + 2 / (1 - level) * miss
    return losses | {"coverage": inside.astype(np.float64), "width": width, "interval_score": interval_score}


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if len(known) else None

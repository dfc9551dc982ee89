"""A model's prequential scores on a file, beside its parts, baselines and peers; no broker.

Each series' rows are its steps, whatever their time stamps say: the file is read by time stamp, each row is shown
once, and the forecast taken then is scored when its targets are known (`pipeline.evaluation.scoring` has the
definitions). A row of a wide file is one event, whose series inform each other.

Letters: N observations of a batch, E experts, H horizons, C covariates.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from lstm_stream import ANY_GAP, Bank, Expert, ExpertForecasts, Forecasts, PretrainedWeights
from pipeline.evaluation.actuals import Actuals, Floats, Integers, Rows, ScoringError, actuals
from pipeline.evaluation.baselines import SeasonalNaive
from pipeline.evaluation.figure_data import FigureData, Picture
from pipeline.evaluation.log import Log
from pipeline.evaluation.peers import STRIDE, Peer, makers
from pipeline.evaluation.scoring import HORIZONS, PeerResult, Report, Result, Scorer
from pipeline.hyperparameters import hyperparameters
from pipeline.settings import Settings
from pipeline.weights import read_weights

T = TypeVar("T")

BATCH = 2048
"""Observations shown at a time, and fewer of those with many steps ahead:"""
FORESEEN = 48 * BATCH
"""values foreseen at a time."""
PARTS = {"lstm": Expert.LSTM, "readout": Expert.READOUT_ON_HIDDEN}


class Model(Protocol):
    """What can be scored: shown N observations in order, a series perhaps many times, it gives N forecasts."""

    def observe(
        self,
        series: Sequence[str],
        times: Integers,
        values: Floats,
        *,
        events: Integers,
        covariates: Floats,
        by_expert: ExpertForecasts,
    ) -> Forecasts: ...


class Evaluation(NamedTuple):
    """The report, and what there is to draw: errors by step (H,) of some forecasters, and how the run went."""

    report: Report
    mae_by_step: dict[str, Floats]
    picture: Picture


def model_for(log: Log, settings: Settings) -> Bank:
    """A bank that has seen nothing, to which each row is the next step.

    Raises
    ------
    WeightsError
        The settings name weights that cannot be used.
    """
    return bank_for(log, settings, read_weights(settings.model))


def bank_for(log: Log, settings: Settings, weights: PretrainedWeights | None) -> Bank:
    """The same, with these weights of the pretrained network or those of the package."""
    rules = replace(hyperparameters(settings), step="event", max_gap=ANY_GAP, groups=log.together > 1)
    return Bank(rules, weights=weights)


def actuals_of(log: Log, rows: Rows) -> Actuals:
    """What is scored of a log, and by which units.

    Raises
    ------
    ScoringError
        When no series can be scored, or the season that was named is longer than what comes before the scored rows.
    """
    order = np.argsort(log.series, kind="stable")
    values = np.split(log.values[order], np.cumsum(np.bincount(log.series, minlength=len(log.names)))[:-1])
    came = actuals(log.names, values, rows, log.season)
    before = came.score_from[came.score_from < came.score_to]
    if log.said_season >= int(before.max()):
        raise ScoringError(
            f"a season of {log.said_season} steps is longer than the {before.max()} rows before the scored ones; give a"
            " shorter one with --season, or score later rows with --score-rows"
        )
    return came


def evaluate(
    log: Log,
    model: Model,
    *,
    horizon: int,
    quantiles: Sequence[float],
    rows: Rows,
    peers: bool = False,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Show a log to the model, the baselines and perhaps the peers, and score their forecasts.

    Parameters
    ----------
    log
        The observations.
    model
        A fresh model, whose forecasts have ``horizon`` steps and these quantiles.
    horizon
        Steps ahead; each of 1, 24 and 48 up to it is scored, and itself.
    quantiles
        Rising, in (0, 1).
    rows
        Which rows give each series' unit, and which are scored; those after them are not shown.
    peers
        Whether river's forecasters are scored as well.
    clock
        Seconds, for the events a second.
    progress
        Told how many observations more have been shown.

    Raises
    ------
    ScoringError
        When a series has too few rows.
    """
    came = actuals_of(log, rows)
    shown = log.cut(log.rows < came.score_to[log.series])
    horizons = sorted({step for step in (*HORIZONS, horizon) if step <= horizon})
    scored = _ModelRun(model, came, horizons, quantiles, clock)
    naive = {
        "last_value": _BaselineRun(SeasonalNaive(horizon, 1), came, horizons, clock),
        "seasonal_naive": _BaselineRun(SeasonalNaive(horizon, log.season), came, horizons, clock),
    }
    makes = makers(log.season) if peers else {}
    others = {name: _PeerRun(Peer(make, horizon), came, horizons, clock) for name, make in makes.items()}
    figure = FigureData(came, horizon)
    for batch in shown.batches(max(1, min(BATCH, FORESEEN // horizon))):
        figure.draw(batch, *scored.show(batch))
        for name, run in naive.items():
            figure.compare(name, batch, run.show(batch))
        for other in others.values():
            other.show(batch)
        progress(len(batch.values))
    report = _report(log, came, scored, naive, others, int(shown.rows.max()) + 1)
    scorers = {"model": scored.scorer, "lstm": scored.parts["lstm"]} | {name: run.scorer for name, run in naive.items()}
    by_step = {name: scorer.mae_by_step() for name, scorer in scorers.items()}
    return Evaluation(report, by_step, figure.picture(log))


def _report(
    log: Log,
    came: Actuals,
    scored: "_ModelRun",
    naive: Mapping[str, "_BaselineRun"],
    peers: Mapping[str, "_PeerRun"],
    rows: int,
) -> Report:
    return Report(
        model=scored.result(),
        lstm=Result(scored.parts["lstm"].scores()),
        readout=Result(scored.parts["readout"].scores()),
        last_value=naive["last_value"].result(),
        seasonal_naive=naive["seasonal_naive"].result(),
        series=len(log.names),
        rows=rows,
        season=log.season,
        peers={name: other.result() for name, other in peers.items()},
        left_out={log.names[place]: why for place, why in came.left_out.items()},
        without_mase=tuple(log.names[place] for place in scored.scorer.without_mase()),
        dominant=None if (place := scored.scorer.dominant()) is None else log.names[place],
        own_numbers=came.own_numbers,
        season_beyond=log.season >= int(came.score_from[came.score_from < came.score_to].max()),
    )


class _Pace:
    """How many observations a forecaster takes a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._shown = 0

    def timed(self, count: int, work: Callable[[], T]) -> T:
        begin = self._clock()
        done = work()
        self._seconds += self._clock() - begin
        self._shown += count
        return done

    def events_per_second(self) -> float:
        return round(self._shown / self._seconds, 1) if self._seconds > 0 else 0.0


class _ModelRun:
    """The model on its way through the log, and its parts with it."""

    def __init__(
        self,
        model: Model,
        came: Actuals,
        horizons: Sequence[int],
        quantiles: Sequence[float],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._horizon = horizons[-1]
        self._pace = _Pace(clock)
        self.scorer = Scorer(came, horizons, quantiles[-1] - quantiles[0])
        self.parts = {name: Scorer(came, horizons) for name in PARTS}

    def show(self, batch: Log) -> tuple[Forecasts, ExpertForecasts]:
        names = [batch.names[index] for index in batch.series]
        by_expert = ExpertForecasts.zeros(len(names), len(Expert), self._horizon)
        forecasts = self._pace.timed(
            len(names),
            lambda: self._model.observe(
                names,
                batch.times,
                batch.values,
                events=batch.events,
                covariates=batch.covariates,
                by_expert=by_expert,
            ),
        )
        self.scorer.add(batch.series, batch.rows, forecasts.mean, forecasts.quantiles)
        for name, scorer in self.parts.items():
            _add_means(scorer, batch, said_by(PARTS[name], by_expert))
        return forecasts, by_expert

    def result(self) -> Result:
        return Result(self.scorer.scores(), self._pace.events_per_second())


def said_by(expert: Expert, by_expert: ExpertForecasts) -> Floats:
    """What an expert foresees, (N, H): the last value where it says nothing, and zero where none does."""
    said, last = by_expert.mean[:, expert], by_expert.mean[:, Expert.LAST_VALUE]
    return np.where(np.isfinite(said), said, np.where(np.isfinite(last), last, 0.0))


def _add_means(scorer: Scorer, batch: Log, mean: Floats) -> None:
    scorer.add(batch.series, batch.rows, mean, np.empty((*mean.shape, 0)))


class _BaselineRun:
    """A baseline on its way through the log."""

    def __init__(
        self, baseline: SeasonalNaive, came: Actuals, horizons: Sequence[int], clock: Callable[[], float]
    ) -> None:
        self._baseline = baseline
        self._pace = _Pace(clock)
        self.scorer = Scorer(came, horizons)

    def show(self, batch: Log) -> Floats:
        mean = self._pace.timed(len(batch.values), lambda: self._baseline.observe(batch.series, batch.values))
        _add_means(self.scorer, batch, mean)
        return mean

    def result(self) -> Result:
        return Result(self.scorer.scores(), self._pace.events_per_second())


class _PeerRun:
    """A peer on its way through the log: its first steps are all scored, the others where they were asked for."""

    def __init__(self, peer: Peer, came: Actuals, horizons: Sequence[int], clock: Callable[[], float]) -> None:
        self._peer = peer
        self._came = came
        self._pace = _Pace(clock)
        self._first = Scorer(came, [1])
        self._others = Scorer(came, horizons)
        self._fallbacks = 0

    def show(self, batch: Log) -> None:
        seen = self._pace.timed(len(batch.values), lambda: self._peer.observe(batch.series, batch.rows, batch.values))
        _add_means(self._first, batch, seen.mean)
        _add_means(self._others, batch.cut(seen.whole), seen.mean[seen.whole])
        self._fallbacks += int((seen.fell_back & self._came.scored(batch.series, batch.rows)).sum())

    def result(self) -> PeerResult:
        scores = self._others.scores() | self._first.scores()
        return PeerResult(scores, self._pace.events_per_second(), stride=STRIDE, fallbacks=self._fallbacks)

"""What other weights of the pretrained network gain: errors on the part of a past that judges, last value = 1.

A series is judged as one that the shard knows, and as one that begins.

Shapes: N observations, H horizons.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lstm_stream import Expert, ExpertForecasts, PretrainedWeights, Split
from pipeline.evaluation.actuals import Actuals, Floats, Integers, Rows
from pipeline.evaluation.baselines import SeasonalNaive
from pipeline.evaluation.evaluate import BATCH, FORESEEN, actuals_of, bank_for, said_by
from pipeline.evaluation.log import Log, rows_of
from pipeline.evaluation.scoring import HORIZONS, Score, Scorer
from pipeline.settings import Settings

YOUNG = range(10, 300)
"""Rows on which a series is scored as one that begins."""
PIECES = 4
"""Of the part that judges, which are looked upon so, at most."""
MOST = 200_000
"""Observations that are shown to judge by: of more, some series are drawn, and the last rows of each."""
WORTH = 0.99
"""Weights that leave more than this of the squared error are not worth it."""


class Errors(NamedTuple):
    """Mean squared and mean absolute errors by horizon, over those of the last value."""

    mse: dict[int, float]
    mae: dict[int, float]


class Judged(NamedTuple):
    """Errors with some weights: of the pretrained network alone, and of the whole forecast."""

    network: Errors
    forecast: Errors
    young_network: Errors  # the same of series that nothing is known of before the part that judges
    young_forecast: Errors


class Gain(NamedTuple):
    """Errors before and after."""

    before: Judged
    after: Judged

    @property
    def left(self) -> float:
        """How much of the whole forecast's squared error is left, the geometric mean over horizons."""
        return _left(self.before.forecast, self.after.forecast)

    @property
    def young_left(self) -> float:
        """The same of series that begin."""
        return _left(self.before.young_forecast, self.after.young_forecast)

    @property
    def is_worth_it(self) -> bool:
        """Whether it is clearly less than all, where known series and those that begin count the same."""
        return math.sqrt(self.left * self.young_left) < WORTH


def _left(before: Errors, after: Errors) -> float:
    left = [math.log(after.mse[horizon] / before.mse[horizon]) for horizon in before.mse if horizon in after.mse]
    return math.exp(sum(left) / len(left)) if left else 1.0


class Judging(NamedTuple):
    """A log to judge by, and what is scored of it."""

    log: Log
    came: Actuals

    def young(self) -> Iterator["Judging"]:
        """Pieces of the part that judges, each alone, as of series that begin with it; they hold `YOUNG` rows."""
        lengths = self.came.score_to - self.came.score_from
        count = int(np.clip(lengths.max() // YOUNG.stop, 1, PIECES))
        for piece in range(count):
            yield self._piece(self.came.score_from + np.maximum(lengths - YOUNG.stop, 0) * piece // max(count - 1, 1))

    @property
    def shown(self) -> int:
        """How many values a bank is shown to judge its weights."""
        return len(self.log.values) + sum(len(piece.log.values) for piece in self.young())

    def _piece(self, first: Integers) -> "Judging":
        """What begins with these rows of the series (S,)."""
        log, end = self.log, np.minimum(first + YOUNG.stop, self.came.score_to)
        use = (log.rows >= first[log.series]) & (log.rows < end[log.series])
        some = log.cut(use)._replace(rows=log.rows[use] - first[log.series[use]])
        order = np.argsort(some.series, kind="stable")
        counts = np.bincount(some.series, minlength=len(log.names))
        return Judging(
            some,
            self.came._replace(
                values=some.values[order],
                first=np.cumsum(counts) - counts,
                score_from=np.minimum(YOUNG.start, counts),
                score_to=counts,
            ),
        )

    @property
    def judged(self) -> int:
        """How many values are scored."""
        return int((self.came.score_to - self.came.score_from).sum())

    @classmethod
    def of(cls, log: Log, held_back: float, seed: int) -> "Judging":
        """Of a log whose series end with such a held-back share each, the second half of which judges.

        Raises
        ------
        ScoringError
            No series can be scored.
        """
        counts = np.bincount(log.series, minlength=len(log.names))
        known = np.isfinite(log.values)
        first = np.full(len(log.names), np.iinfo(np.int64).max)
        np.minimum.at(first, log.series[known], log.rows[known])
        judged = np.asarray(
            [
                count - begin - Split.of(count - begin, held_back).judge if begin < count else 0
                for count, begin in zip(counts.tolist(), first.tolist(), strict=True)
            ]
        )
        some = _smaller(log, counts, seed)
        places = [log.names.index(name) for name in some.names]
        left = np.bincount(some.series, minlength=len(some.names))
        return cls(some, _judged(actuals_of(some, Rows()), np.maximum(left - judged[places], 1)))


def _smaller(log: Log, counts: Integers, seed: int) -> Log:
    """With at most about `MOST` observations."""
    if len(log.values) <= MOST:
        return log
    order = np.random.default_rng([seed, 2]).permutation(len(counts))
    taken = max(1, int(np.searchsorted(np.cumsum(counts[order]), MOST)))
    chosen = np.sort(order[:taken])
    longest = MOST // taken if taken == 1 else int(counts.max())
    use = np.isin(log.series, chosen) & (log.rows >= counts[log.series] - longest)
    series = np.searchsorted(chosen, log.series[use])
    return log.cut(use)._replace(names=tuple(log.names[place] for place in chosen), series=series, rows=rows_of(series))


def judge(
    pasts: Sequence[Judging],
    settings: Settings,
    weights: PretrainedWeights,
    progress: Callable[[int], None],
) -> Judged:
    """Errors with these weights of the pretrained network, of all logs together, each series counting the same.

    `progress` is told how many values more have been shown.
    """
    begun = [piece for past in pasts for piece in past.young()]
    return Judged(*_errors(pasts, settings, weights, progress), *_errors(begun, settings, weights, progress))


def _errors(
    pasts: Sequence[Judging],
    settings: Settings,
    weights: PretrainedWeights,
    progress: Callable[[int], None],
) -> tuple[Errors, Errors]:
    """Of the network alone, and of the whole forecast."""
    runs = [_run(past, settings, weights, progress) for past in pasts]
    counts = [len(past.log.names) for past in pasts]
    last = _Sums.of([run.last for run in runs], counts)
    return (
        _Sums.of([run.network for run in runs], counts).over(last),
        _Sums.of([run.forecast for run in runs], counts).over(last),
    )


Scores = Mapping[int, Score]


class _Run(NamedTuple):
    """Scores of what was shown one log."""

    network: Scores
    forecast: Scores
    last: Scores


class _Sums(NamedTuple):
    """Sums of errors over the series of all logs, by horizon."""

    mse: dict[int, float]
    mae: dict[int, float]

    @classmethod
    def of(cls, scores: Sequence[Scores], counts: Sequence[int]) -> "_Sums":
        both = list(zip(scores, counts, strict=True))
        return cls(
            {horizon: sum(count * (of[horizon].mse or 0.0) for of, count in both) for horizon in scores[0]},
            {horizon: sum(count * (of[horizon].mae or 0.0) for of, count in both) for horizon in scores[0]},
        )

    def over(self, last: "_Sums") -> Errors:
        """Over those of the last value, in the horizons in which something was off."""
        horizons = [horizon for horizon in self.mse if self.mse[horizon] > 0 and last.mse[horizon] > 0]
        return Errors(
            {horizon: self.mse[horizon] / last.mse[horizon] for horizon in horizons},
            {horizon: self.mae[horizon] / last.mae[horizon] for horizon in horizons},
        )


def _run(past: Judging, settings: Settings, weights: PretrainedWeights, progress: Callable[[int], None]) -> _Run:
    """Show a log to a bank with these weights, and score the part that judges."""
    log, came, horizon = past.log, past.came, settings.model.horizon
    horizons = sorted({step for step in (*HORIZONS, horizon) if step <= horizon})
    network, forecast, last = (Scorer(came, horizons) for _ in range(3))
    bank, naive = bank_for(log, settings, weights), SeasonalNaive(horizon, 1)
    for batch in log.batches(max(1, min(BATCH, FORESEEN // horizon))):
        names = [batch.names[index] for index in batch.series]
        by_expert = ExpertForecasts.zeros(len(names), len(Expert), horizon)
        forecasts = bank.observe(
            names, batch.times, batch.values, events=batch.events, covariates=batch.covariates, by_expert=by_expert
        )
        _add(network, batch, said_by(Expert.PRETRAINED, by_expert))
        _add(forecast, batch, forecasts.mean)
        _add(last, batch, naive.observe(batch.series, batch.values))
        progress(len(names))
    return _Run(network.scores(), forecast.scores(), last.scores())


def _judged(came: Actuals, score_from: Integers) -> Actuals:
    """What is scored from these rows on, of the series that can be scored."""
    return came._replace(score_from=np.where(came.score_from < came.score_to, score_from, came.score_to))


def _add(scorer: Scorer, batch: Log, mean: Floats) -> None:
    scorer.add(batch.series, batch.rows, mean, np.empty((*mean.shape, 0)))


def told(gain: Gain, judged: int) -> Iterator[str]:
    """Lines of a table, and what it comes to."""
    before, after = gain.before, gain.after
    horizons = list(after.forecast.mse)
    yield f"Errors on {judged:,} held-back values that nothing was trained on, last value = 1"
    yield f"{'':<42}" + "".join(f"{name + f', H = {horizon}':>13}" for name in ("MSE", "MAE") for horizon in horizons)
    for name, was, now in (
        ("network alone", before.network, after.network),
        ("whole forecast", before.forecast, after.forecast),
        ("series that begin: network alone", before.young_network, after.young_network),
        ("series that begin: whole forecast", before.young_forecast, after.young_forecast),
    ):
        for when, errors in (("before", was), ("after", now)):
            values = [*errors.mse.values(), *errors.mae.values()]
            yield f"{name + ', ' + when:<42}" + "".join(f"{value:>13.3f}" for value in values)
    yield (
        f"The whole forecast's squared error is {change(gain.left)}, of series that begin {change(gain.young_left)}."
    )


def change(left: float) -> str:
    """What is left of an error, in words.

    >>> change(0.9), change(1.25)
    ('10.0% less', '25.0% more')
    """
    return f"{abs(1 - left):.1%} {'less' if left < 1 else 'more'}"

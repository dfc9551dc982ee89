"""What other weights of the pretrained network gain: errors on the part of a past that judges, last value = 1.

A series is judged as one that the shard knows, and as one that begins.

Shapes: N observations, H horizons.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lstm_stream import Expert, ExpertForecasts, PretrainedWeights, Split
from pipeline.baselines import SeasonalNaive
from pipeline.evaluate import BATCH, FORESEEN, bank_for, said_by, truth_of
from pipeline.log import Log, rows_of
from pipeline.scoring import HORIZONS, Score, Scorer
from pipeline.settings import Settings
from pipeline.truth import Floats, Integers, Rows, Truth

YOUNG = range(10, 300)
"""Rows of a series that begins with the part that judges, on which it is scored as one that nothing is known of."""
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
    came: Truth

    def young(self) -> "Judging":
        """The part that judges alone, as of series that begin with it; at most `YOUNG` rows of each."""
        log, first = self.log, np.maximum(self.came.score_from, self.came.score_to - YOUNG.stop)
        use = (log.rows >= first[log.series]) & (log.rows < self.came.score_to[log.series])
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
        return cls(some, _judged(truth_of(some, Rows()), np.maximum(left - judged[places], 1)))


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
    weights: PretrainedWeights | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Errors with these weights of the pretrained network, of all logs together, each series counting the same."""
    old = [_run(past, settings, weights, progress) for past in pasts]
    young = [_run(past.young(), settings, weights, progress) for past in pasts]
    counts = [len(past.log.names) for past in pasts]
    return Judged(*_errors(old, counts), *_errors(young, counts))


def _errors(runs: Sequence[Mapping[str, "Scores"]], counts: Sequence[int]) -> tuple[Errors, Errors]:
    """Of the network alone, and of the whole forecast."""
    last = [run["last"] for run in runs]
    network, forecast = (
        _over_last_value([run[name] for run in runs], last, counts) for name in ("network", "forecast")
    )
    return network, forecast


Scores = Mapping[int, Score]


def _over_last_value(ours: Sequence[Scores], last: Sequence[Scores], counts: Sequence[int]) -> Errors:
    def ratio(name: str, horizon: int) -> float:
        above, below = (
            sum(count * (getattr(one[horizon], name) or 0.0) for one, count in zip(scores, counts, strict=True))
            for scores in (ours, last)
        )
        return above / below if below > 0 else float("nan")

    horizons = [horizon for horizon in ours[0] if ratio("mse", horizon) > 0]
    return Errors(*({horizon: ratio(name, horizon) for horizon in horizons} for name in ("mse", "mae")))


def _run(
    past: Judging, settings: Settings, weights: PretrainedWeights | None, progress: Callable[[int], None]
) -> dict[str, Scores]:
    """Show a log to a bank with these weights, and score the part that judges."""
    log, came, horizon = past.log, past.came, settings.model.horizon
    horizons = sorted({step for step in (*HORIZONS, horizon) if step <= horizon})
    scorers = {name: Scorer(came, horizons) for name in ("network", "forecast", "last")}
    bank, naive = bank_for(log, settings, weights), SeasonalNaive(horizon, 1)
    for batch in log.batches(max(1, min(BATCH, FORESEEN // horizon))):
        names = [batch.names[index] for index in batch.series]
        by_expert = ExpertForecasts.zeros(len(names), len(Expert), horizon)
        forecasts = bank.observe(
            names, batch.times, batch.values, events=batch.events, covariates=batch.covariates, by_expert=by_expert
        )
        said = {
            "network": said_by(Expert.PRETRAINED, by_expert),
            "forecast": forecasts.mean,
            "last": naive.observe(batch.series, batch.values),
        }
        for name, mean in said.items():
            _add(scorers[name], batch, mean)
        progress(len(names))
    return {name: scorer.scores() for name, scorer in scorers.items()}


def _judged(came: Truth, score_from: Integers) -> Truth:
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
        f"The whole forecast's squared error is {_change(gain.left)}, of series that begin {_change(gain.young_left)}."
    )


def _change(left: float) -> str:
    return f"{abs(1 - left):.1%} {'less' if left < 1 else 'more'}"

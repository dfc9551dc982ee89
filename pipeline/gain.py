"""What other weights of the pretrained network gain: errors on the part of a past that judges, last value = 1.

Shapes: N observations, H horizons.
"""

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


class Gain(NamedTuple):
    """Errors before and after."""

    before: Judged
    after: Judged

    @property
    def left(self) -> float:
        """How much of the whole forecast's squared error is left, the geometric mean over horizons."""
        before, after = self.before.forecast.mse, self.after.forecast.mse
        return float(np.exp(np.mean([np.log(after[horizon] / before[horizon]) for horizon in before])))

    @property
    def is_worth_it(self) -> bool:
        """Whether it is clearly less than all."""
        return self.left < WORTH


class Judging(NamedTuple):
    """A log to judge by, and from which row on each of its series is scored."""

    log: Log
    score_from: Integers  # (S,)

    @classmethod
    def of(cls, log: Log, held_back: float, seed: int) -> "Judging":
        """Of a log whose series end with such a held-back share each, the second half of which judges."""
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
        return _smaller(cls(log, counts - judged), counts, seed)


def _smaller(whole: Judging, counts: Integers, seed: int) -> Judging:
    """With at most about `MOST` observations."""
    log = whole.log
    if len(log.values) <= MOST:
        return whole
    order = np.random.default_rng([seed, 2]).permutation(len(counts))
    taken = max(1, int(np.searchsorted(np.cumsum(counts[order]), MOST)))
    chosen = np.sort(order[:taken])
    longest = MOST // taken if taken == 1 else int(counts.max())
    use = np.isin(log.series, chosen) & (log.rows >= counts[log.series] - longest)
    series = np.searchsorted(chosen, log.series[use])
    some = log.cut(use)._replace(names=tuple(log.names[place] for place in chosen), series=series, rows=rows_of(series))
    left = np.bincount(series, minlength=taken)
    return Judging(some, np.maximum(left - (counts - whole.score_from)[chosen], 1))


def judge(
    pasts: Sequence[Judging],
    settings: Settings,
    weights: PretrainedWeights | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Errors with these weights of the pretrained network, of all logs together, each series counting the same."""
    runs = [_run(past, settings, weights, progress) for past in pasts]
    counts = [len(past.log.names) for past in pasts]
    return Judged(
        _over_last_value([run["network"] for run in runs], [run["last"] for run in runs], counts),
        _over_last_value([run["forecast"] for run in runs], [run["last"] for run in runs], counts),
    )


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
    log, horizon = past.log, settings.model.horizon
    came = _judged(actuals_of(log, Rows()), past.score_from)
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


def _judged(came: Actuals, score_from: Integers) -> Actuals:
    """What is scored from these rows on, of the series that can be scored."""
    return came._replace(score_from=np.where(came.score_from < came.score_to, score_from, came.score_to))


def _add(scorer: Scorer, batch: Log, mean: Floats) -> None:
    scorer.add(batch.series, batch.rows, mean, np.empty((*mean.shape, 0)))


def told(gain: Gain, judged: int) -> Iterator[str]:
    """Lines of a table, and what it comes to."""
    horizons = list(gain.after.forecast.mse)
    yield f"Errors on {judged:,} held-back values that nothing was trained on, last value = 1"
    yield f"{'':<26}" + "".join(f"{name + f' {horizon} ahead':>16}" for name in ("MSE", "MAE") for horizon in horizons)
    for name, errors in (
        ("network alone, before", gain.before.network),
        ("network alone, after", gain.after.network),
        ("whole forecast, before", gain.before.forecast),
        ("whole forecast, after", gain.after.forecast),
    ):
        values = [*errors.mse.values(), *errors.mae.values()]
        yield f"{name:<26}" + "".join(f"{value:>16.3f}" for value in values)
    change = abs(1 - gain.left)
    yield f"The whole forecast's squared error is {change:.1%} {'less' if gain.left < 1 else 'more'}."

"""Laws of the live scores: what was published is held against what came, and it costs no forecast anything."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Bank, Forecasts, Hyperparameters, LiveScores, Scores, buckets
from lstm_stream.grid import Outcome
from lstm_stream.live_scores import BUCKETS, LARGEST, SCORED

HOUR = 3_600_000_000
HORIZON = 9
Floats = npt.NDArray[np.float64]


def made(values: Floats, rows: npt.NDArray[np.int64], seed: int) -> Forecasts:
    """Forecasts of any kind from these values, each series in steps of an hour."""
    draw = np.random.default_rng(seed)
    forecasts = Forecasts.zeros(len(values), HORIZON, 3)
    forecasts.mean[:] = draw.normal(size=(len(values), HORIZON))
    width = draw.exponential(size=(len(values), HORIZON))
    forecasts.quantiles[:] = forecasts.mean[:, :, None] + width[:, :, None] * np.array([-1.0, 0.0, 1.0])
    forecasts.scale[:] = draw.choice([0.0, 0.5, 2.0], len(values), p=[0.1, 0.5, 0.4])
    forecasts.warming[:] = draw.random(len(values)) < 0.1
    forecasts.step[:] = 3600.0
    forecasts.outcome[:] = np.where(draw.random(len(values)) < 0.1, Outcome.LATE, Outcome.FORECAST)
    first = np.unique(rows, return_index=True)[1]
    forecasts.restart[first] = True
    forecasts.restart[:] |= draw.random(len(values)) < 0.05
    return forecasts


def slowly(rows: npt.NDArray[np.int64], times: npt.NDArray[np.int64], values: Floats, forecasts: Forecasts) -> Scores:
    """Look for the origin of each scored horizon among all observations before."""
    scores = Scores.zeros()
    for n in np.flatnonzero(forecasts.outcome == Outcome.FORECAST).tolist():
        mine = [m for m in range(n) if rows[m] == rows[n] and forecasts.outcome[m] == Outcome.FORECAST]
        since = [m for m in [*mine, n] if forecasts.restart[m]]
        mine = [m for m in mine if not since or m >= since[-1]]
        for m in mine:
            h = (times[n] - times[m]) // HOUR
            known = [values[k] for k in mine if k <= m and not math.isnan(values[k])]
            counts = forecasts.scale[m] > 0 and not forecasts.warming[m] and known
            if h in SCORED and h <= HORIZON and counts and not math.isnan(values[n]):
                where = list(BUCKETS.values()).index(next(last for last in BUCKETS.values() if h <= last))
                low, high = forecasts.quantiles[m, h - 1, [0, 2]]
                off, naive = abs(values[n] - forecasts.mean[m, h - 1]), abs(values[n] - known[-1])
                scale = forecasts.scale[m]
                scores.scored[where] += 1
                scores.covered[where] += low <= values[n] <= high
                scores.width[where] += min((high - low) / scale, LARGEST)
                scores.error[where] += min(off / scale, LARGEST)
                scores.error_of_last_value[where] += min(naive / scale, LARGEST)
    return scores


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=60), st.integers(0, 1000))
def test_each_value_is_held_against_the_forecasts_that_were_made_for_it(
    steps: list[tuple[int, int]], seed: int
) -> None:
    rows = np.array([row for row, _ in steps])
    times = np.zeros(len(rows), np.int64)
    for row in range(3):
        times[rows == row] = np.cumsum([gap for one, gap in steps if one == row]) * HOUR
    draw = np.random.default_rng(seed)
    values = np.where(draw.random(len(rows)) < 0.1, np.nan, draw.normal(size=len(rows)))
    forecasts = made(values, rows, seed)
    one, total, half = LiveScores(HORIZON), Scores.zeros(), len(rows) // 2
    for part in (np.arange(half), np.arange(half, len(rows))):
        total = total.plus(one.score(rows[part], times[part], values[part], forecasts.take(part)))
    expected = slowly(rows, times, values, forecasts)
    for mine, theirs in zip(total, expected, strict=True):
        assert mine == pytest.approx(theirs)


def test_a_calibrated_forecast_is_covered_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    count = 6000
    values = np.cumsum(draw.normal(size=count)) * 0.1 + np.sin(np.arange(count) / 12 * np.pi)
    rows, times = np.zeros(count, np.int64), np.arange(count) * HOUR
    forecasts = Bank(Hyperparameters(horizon=4)).observe(["a"] * count, times, values)
    scores = LiveScores(4).score(rows, times, values, forecasts)
    for bucket in range(2):
        assert scores.covered[bucket] / scores.scored[bucket] == pytest.approx(0.9, abs=0.03)
        assert scores.error[bucket] < scores.error_of_last_value[bucket]


def test_one_absurd_value_does_not_drown_the_others() -> None:
    values = np.tile([0.0, 1.0], 200)
    values[300] = 1e30
    rows, times = np.zeros(400, np.int64), np.arange(400) * HOUR
    forecasts = Bank(Hyperparameters(horizon=2)).observe(["a"] * 400, times, values)
    scores = LiveScores(2).score(rows, times, values, forecasts)
    assert np.isfinite(np.asarray(scores)).all()
    assert scores.error[0] < 3 * LARGEST + 50


@pytest.mark.parametrize("horizon", [1, 24, 1000])
def test_the_memory_of_what_waits_is_bounded(horizon: int) -> None:
    scores = LiveScores(horizon)
    count = 10_000
    forecasts = Forecasts.zeros(count, horizon, 2) if horizon < 1000 else Forecasts.zeros(1, horizon, 2)
    rows = np.arange(count)[: len(forecasts.outcome)] + (count - len(forecasts.outcome))
    scores.score(rows, np.zeros(len(rows), np.int64), np.zeros(len(rows)), forecasts)
    waiting = scores._waiting
    assert 1 <= len(waiting.step) <= 4096
    assert sum(array.nbytes for array in waiting) < 9 << 20


def test_the_buckets_are_those_that_a_horizon_reaches() -> None:
    assert buckets(24) == ("1", "2-8", "9-24")
    assert buckets(1000) == tuple(BUCKETS)

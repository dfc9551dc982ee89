"""The demo's books balance, and its scores are what they say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.messages import ForecastMessage, Model, Source
from pipeline.summary import Errors, Summary, SummaryError, one_step_errors, skill

HOUR = 3_600_000_000


def forecast(observation: Observation, offset: int, mean: float, step: float | None = 3600.0) -> ForecastMessage:
    return ForecastMessage(
        id="id",
        series=observation.series,
        origin="2024-05-01T00:00:00Z",
        step_seconds=step,
        horizon=1,
        mean=[mean],
        quantiles={},
        surprise=None,
        status="ok",
        model=Model(0, 1.0),
        source=Source("events", 0, offset),
    )


def errors_of(
    values: list[float], means: list[float], times: list[int] | None = None, step: float | None = 3600.0
) -> Errors | None:
    """Of one hourly series, whose forecasts foresaw these means."""
    times = times or list(range(len(values)))
    truths = {("events", 0, row, "a"): Observation("a", times[row] * HOUR, value) for row, value in enumerate(values)}
    forecasts = [forecast(truths["events", 0, row, "a"], row, mean, step) for row, mean in enumerate(means)]
    return one_step_errors(truths, forecasts).get("a")


def test_a_forecast_is_scored_by_the_next_observation_in_the_series_own_unit() -> None:
    errors = errors_of([0, 2, 0, 2], [1, 0, 2, 99])
    assert errors == Errors(model=1 + 0 + 0, last_value=2 + 2 + 2)  # the standard deviation is 1


def test_across_a_gap_nothing_is_scored() -> None:
    assert errors_of([0, 2, 0], [2, 9, 9], times=[0, 1, 5]) == errors_of([0, 2, 0], [2, 9, 9], [0, 1, 9])
    assert errors_of([0, 2], [0, 0], times=[0, 5]) is None


def test_where_one_event_is_one_step_there_are_no_gaps() -> None:
    assert errors_of([0, 2], [2, 0], times=[0, 500], step=None) == Errors(0, 2)


def test_a_missing_value_is_no_truth() -> None:
    assert errors_of([0, math.nan, 2], [1, 1, 1]) is None


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=20), st.sampled_from([0.125, 8.0, 1024.0]))
def test_a_forecast_half_way_to_the_truth_has_half_the_error_whatever_the_unit(values: list[int], unit: float) -> None:
    scaled = [value * unit for value in values]
    errors = errors_of(scaled, [(one + after) / 2 for one, after in zip(scaled, [*scaled[1:], 0.0], strict=True)])
    assert errors is None or skill([errors]) == 0.5


def test_last_value_itself_has_no_skill_and_a_perfect_forecast_all() -> None:
    assert skill([Errors(model=3, last_value=3)]) == 0
    assert skill([Errors(model=0, last_value=3)]) == 1
    assert skill([]) is None


def summary(forecasts: int) -> Summary:
    return Summary(
        events=10,
        forecasts=forecasts,
        dead_letters=1,
        late=2,
        repeated=3,
        skipped=0,
        skill_vs_last_value=0.1,
        skill_real=None,
        skill_fleet=None,
        seconds=1.0,
        events_per_second=10.0,
    )


def test_books_that_do_not_balance_fail() -> None:
    summary(4).check()
    with pytest.raises(SummaryError, match="10 events came to 9 ends"):
        summary(3).check()

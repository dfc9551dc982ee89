"""What a shard tells of itself and of its series; no question changes a forecast."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lstm_stream import OF_THE_LSTM, Bank, Expert, ExpertForecasts
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import decode_forecast
from pipeline.shard import Shard
from pipeline.web.series_view import steps_before
from tests.shard_logs import HOUR, SETTINGS, event, fresh, log


def test_a_shard_tells_how_its_model_and_each_series_stand() -> None:
    shard = fresh()
    fold = shard.fold([event(i, "a", 3600 * i, float(i % 24)) for i in range(100)], "every")
    status = shard.status()
    assert (status.series, shard.series(), status.skipped_learning_steps) == (1, ("a",), 0)
    assert status.learning_steps > 0
    assert status.mae_model > 0
    assert status.drifts == shard.bank.diagnostics.drifts
    assert sum(one.weight for one in status.experts) == pytest.approx(1)
    series = shard.series_status("a")
    assert series is not None
    message = decode_forecast(fold.forecasts[-1].value or b"")
    assert list(series.mean) == message.mean
    share = sum(one.weight for one in status.experts if one.needs_lstm)
    assert share == pytest.approx(message.model.lstm_share, abs=1e-3)
    assert series.recent_values == tuple(float(i % 24) for i in range(100))[-len(series.recent_values) :]
    assert (series.last_value, series.observations, series.step_seconds) == (3.0, 100, 3600.0)
    assert shard.series_status("b") is None


def test_a_value_that_is_missing_is_not_told_as_one_that_came() -> None:
    shard = fresh()
    shard.fold([event(i, "a", 3600 * i, None if i == 9 else float(i)) for i in range(10)], "every")
    series = shard.series_status("a")
    assert series is not None
    assert (series.last_value, series.recent_values) == (None, (*map(float, range(9)), None))


def test_a_forecast_tells_what_share_of_it_rests_on_the_lstm() -> None:
    values = np.arange(100, dtype=np.float64) % 5
    told = fresh().fold([event(i, "a", 3600 * i, value) for i, value in enumerate(values.tolist())], "every").forecasts
    shares = [decode_forecast(out.value or b"").model.lstm_share for out in told]
    by_expert = ExpertForecasts.zeros(100, len(Expert), SETTINGS.model.horizon)
    Bank(hyperparameters(SETTINGS)).observe(["a"] * 100, HOUR * np.arange(100), values, by_expert=by_expert)
    assert shares == pytest.approx(by_expert.weights[:, OF_THE_LSTM].sum(1).mean(1).tolist(), abs=1e-3)


@given(st.integers(0, 20), st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=10)
def test_no_question_changes_a_forecast(seed: int, cuts: list[int]) -> None:
    records, asked, plain = log(seed), fresh(), fresh()
    edges = [0, *sorted(cuts), len(records)]
    told = []
    for a, b in pairwise(edges):
        told += asked.fold(records[a:b], "every").forecasts
        asked.watch(["s0", "s1", "nobody"])
        for name in (*asked.series(), "nobody"):
            asked.series_status(name)
            asked.sparkline(name, 9)
            asked.track(name)
        asked.table()
        asked.status()
    assert told == plain.fold(records, "every").forecasts
    header, arrays = plain.dump()
    assert asked.dump().header == header
    for name, array in asked.dump().arrays.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_series_is_told_with_what_was_forecast_of_it_and_what_became_of_that() -> None:
    shard = fresh()
    values = [50.0 if i == 150 else float(i % 24) for i in range(160)]
    records = [event(i, "a", 3600 * i, value) for i, value in enumerate(values)]
    shard.fold(records[:100], "every")
    shard.watch(["a"])
    made = [decode_forecast(one.value or b"") for one in shard.fold(records[100:], "every").forecasts]
    told = shard.series_status("a")
    assert told is not None
    assert 150 * HOUR in [one.time for one in told.anomalies]
    assert told.surprise is not None
    assert told.earlier is not None
    assert told.gates is not None
    by_time = dict(zip(told.earlier.times, told.earlier.mean, strict=True))
    assert by_time[159 * HOUR] == pytest.approx(made[-2].mean[0], rel=1e-5)
    two = steps_before(shard.track("a"), 2, told)
    assert dict(zip(two.times, two.mean, strict=True))[159 * HOUR] == pytest.approx(made[-3].mean[1], rel=1e-5)
    assert all(0 <= gate <= 1 for gate in (*told.gates.forget, *told.gates.input, *told.gates.output))
    assert told.gates.times[-1] == 159 * HOUR
    assert sum(one.weight for one in told.experts) == pytest.approx(1)
    assert told.lstm_share == pytest.approx(made[-1].model.lstm_share, abs=0.05)


def test_where_an_event_is_a_step_values_are_told_at_the_times_at_which_they_came() -> None:
    irregular = structs.replace(SETTINGS, events=structs.replace(SETTINGS.events, step="event"))
    shard = Shard.fresh("events", 0, 0, irregular)
    times = np.cumsum([1, 5, 2, 9, 4] * 20).tolist()
    shard.fold([event(i, "a", time, float(i)) for i, time in enumerate(times)], "every")
    told = shard.series_status("a")
    assert told is not None
    assert [time / 1e6 for time in told.recent_times] == times[-len(told.recent_times) :]
    assert told.earlier is not None
    assert told.earlier.times == told.recent_times[1:]


def test_all_series_are_told_at_once_as_each_is_told_alone() -> None:
    shard = fresh()
    shard.fold(log(3), "every")
    table = shard.table()
    for row, name in enumerate(table.names):
        told = shard.series_status(name)
        assert (told is not None) == (table.summaries.steps[row] > 0)
        if told is not None:
            assert (told.observations, told.last_time) == (table.summaries.steps[row], table.summaries.last_time[row])
            expected = (told.mae_model, told.mae_last_value)
            actual = (table.summaries.model_error[row], table.summaries.last_value_error[row])
            if None not in expected:
                np.testing.assert_allclose(actual, np.asarray(expected, np.float64), rtol=1e-5)

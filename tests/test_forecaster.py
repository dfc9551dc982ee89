"""LSTMForecaster is a forecaster as river means it."""

import copy
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from river import checks, datasets, metrics
from river.time_series import HorizonAggMetric

from lstm_stream import Bank, Hyperparameters, LSTMForecaster


@pytest.mark.parametrize("check", list(checks.yield_checks(LSTMForecaster())), ids=lambda check: check.__name__)
def test_it_passes_each_of_rivers_checks(check: Callable[[LSTMForecaster], None]) -> None:
    check(LSTMForecaster())


def test_it_is_a_bank_of_one_series() -> None:
    values = np.random.default_rng(0).normal(size=200)
    model = LSTMForecaster(horizon=5)
    for value in values:
        model.learn_one(value)
    bank = Bank(Hyperparameters(horizon=5, step="event"))
    times = np.arange(200) * 3_600_000_000
    assert model.forecast(5) == bank.observe(["y"] * 200, times, values).mean[-1].tolist()


def test_a_forecast_changes_nothing() -> None:
    asked, unasked = LSTMForecaster(horizon=3), LSTMForecaster(horizon=3)
    for value in np.sin(np.arange(100.0)):
        asked.forecast(3)
        asked.learn_one(value)
        unasked.learn_one(value)
    assert asked.forecast(3) == asked.forecast(3) == unasked.forecast(3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_alike(copied: Callable[[LSTMForecaster], LSTMForecaster]) -> None:
    first = LSTMForecaster(horizon=3)
    for value in np.sin(np.arange(100.0)):
        first.learn_one(value)
    second = copied(first)
    for value in np.sin(np.arange(100.0, 150.0)):
        first.learn_one(value)
        second.learn_one(value)
    assert first.forecast(3) == second.forecast(3)


def test_it_beats_the_last_value_on_rivers_water_flow() -> None:
    model, error, naive = LSTMForecaster(horizon=6), HorizonAggMetric(metrics.MAE(), np.mean), metrics.MAE()
    rows = [(row["Time"], value) for row, value in datasets.WaterFlow()]
    for index, (time, value) in enumerate(rows[:-6]):
        model.learn_one(value, {"Time": time})
        truth = [value for _, value in rows[index + 1 : index + 7]]
        if index >= 300:
            error.update(truth, model.forecast(6))
            for came in truth:
                naive.update(came, value)
    assert error.get() < naive.get()


def test_seasons_come_from_time_stamps_where_there_are_some() -> None:
    model = LSTMForecaster(horizon=2, timestamp="at")
    start = datetime(2026, 1, 1)
    for hour in range(0, 200, 2):
        model.learn_one(float(hour % 24), {"at": start + timedelta(hours=hour)})
    assert model.forecast(2)
    with pytest.raises(ValueError, match="make the model with horizon=3"):
        model.forecast(3)

"""What is kept for the picture is what a slow look at the whole run would tell, and does not grow with it."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Expert, ExpertForecasts, Forecasts
from pipeline.evaluation.actuals import Actuals, Floats, Rows, actuals
from pipeline.evaluation.figure_data import SLOTS, FigureData, Picture
from pipeline.evaluation.log import Log

HORIZON = 3


class Case(NamedTuple):
    """Two series of one event a row, and what was foreseen of them."""

    log: Log
    came: Actuals
    forecasts: Forecasts
    by_expert: ExpertForecasts


def case(rows: int, seed: int = 0, drifts: list[int] | None = None) -> Case:
    random = np.random.default_rng(seed)
    count = 2 * rows
    values = np.where(random.random(count) < 0.1, np.nan, random.normal(size=count))
    row = np.arange(count) // 2
    log = Log(("a", "b"), 2, np.arange(count) % 2, row, row * 60_000_000, values, row, np.ones((count, 0)))
    forecasts = Forecasts.zeros(count, HORIZON, 3)
    forecasts.mean[:] = random.normal(size=(count, HORIZON))
    forecasts.drifts[:] = np.searchsorted(drifts or [], row, "right")
    by_expert = ExpertForecasts.zeros(count, len(Expert), HORIZON)
    weights = random.random((count, len(Expert), HORIZON))
    by_expert.weights[:] = weights / weights.sum(axis=1, keepdims=True)
    return Case(log, actuals(log.names, [values[::2], values[1::2]], Rows(), 1), forecasts, by_expert)


def drawn(one: Case, chunk: int = 50) -> Picture:
    figure = FigureData(one.came, HORIZON)
    for begin in range(0, len(one.log.values), chunk):
        part = slice(begin, begin + chunk)
        batch, places = one.log.cut(part), np.arange(len(one.log.values))[part]
        by_expert = ExpertForecasts(one.by_expert.mean[part], one.by_expert.weights[part])
        figure.draw(batch, one.forecasts.take(places), by_expert)
        figure.compare("it", batch, one.forecasts.mean[part] + 1)
    return figure.picture(one.log)


def slow_rolling(one: Case, mean: Floats, end: int, span: int) -> float:
    """Of the forecasts after rows [end - span, end): all known targets one by one."""
    errors: list[float] = []
    for place, row in enumerate(one.log.rows.tolist()):
        series = int(one.log.series[place])
        values = one.log.values[one.log.series == series]
        if end - span <= row < end and row >= one.came.score_from[series] - 1:
            ahead = values[row + 1 : row + 1 + HORIZON]
            errors += (np.abs(mean[place, : len(ahead)] - ahead) / one.came.unit[series]).tolist()
    known = [error for error in errors if not math.isnan(error)]
    return sum(known) / len(known)


@given(st.integers(20, SLOTS), st.integers(0, 2**32), st.integers(1, 200))
def test_rolling_errors_are_those_of_the_slow_clear_version(rows: int, seed: int, chunk: int) -> None:
    one = case(rows, seed)
    picture = drawn(one, chunk)
    assert picture.rows.tolist() == list(range(1, rows + 1))
    end = 3 * rows // 4
    for name, mean in (("model", one.forecasts.mean), ("it", one.forecasts.mean + 1)):
        assert picture.mae[name][end - 1] == pytest.approx(slow_rolling(one, mean, end, picture.window))
        assert np.isnan(picture.mae[name][: picture.scored - 1]).all()


def test_an_expert_s_weight_is_its_mean_over_series_and_rows() -> None:
    one = case(4 * SLOTS)
    picture = drawn(one, 2048)
    eight = one.by_expert.weights[: 2 * 4 * SLOTS, :, -1].reshape(SLOTS, 8, -1)  # rows of a slot, each of two series
    assert np.allclose(picture.weights.T, eight.mean(axis=1))
    assert picture.weights.sum(axis=0) == pytest.approx(np.ones(SLOTS))


def test_a_drift_is_marked_where_the_count_of_them_rises_however_the_log_is_split() -> None:
    one = case(300, drifts=[40, 41, 200])
    for chunk in (1, 50, 600):
        assert drawn(one, chunk).drifts == [40, 41, 200]


def test_what_is_kept_does_not_grow_with_the_rows() -> None:
    rows = 10 * SLOTS
    picture = drawn(case(rows, drifts=list(range(rows))), 2048)
    assert len(picture.rows) == len(picture.mae["model"]) == picture.weights.shape[1] == SLOTS
    assert len(picture.drifts) == SLOTS
    assert all(len(drawing.values) <= 7 * HORIZON for drawing in picture.drawings)


def test_the_last_forecasts_are_drawn_two_horizons_apart() -> None:
    picture = drawn(case(100))
    assert [drawing.name for drawing in picture.drawings] == ["a", "b"]
    assert [fan.origin for fan in picture.drawings[0].fans] == [84, 90, 96]
    assert picture.drawings[0].first_row == 100 - 7 * HORIZON

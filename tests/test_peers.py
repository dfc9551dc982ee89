"""river's forecasters are asked as river asks them, and nothing that they do stops a run."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import time_series

from pipeline.evaluation.actuals import Floats
from pipeline.evaluation.peers import ABSURD, STRIDE, Foreseen, Make, Peer, makers


class Scripted(time_series.base.Forecaster):
    """Foresees what it is told to, from the last value."""

    def __init__(self, script: Callable[[float, int], list[float]]) -> None:
        self.script = script
        self.learnt: list[float] = []

    def learn_one(self, y: float, x: object = None) -> None:  # noqa: ARG002
        self.learnt.append(y)

    def forecast(self, horizon: int, xs: object = None) -> list[float]:  # noqa: ARG002
        return self.script(self.learnt[-1], horizon)


def show(make: Make, values: list[float] | Floats, horizon: int = 3) -> Foreseen:
    count = len(values)
    return Peer(make, horizon).observe(np.zeros(count, np.int64), np.arange(count), np.asarray(values, np.float64))


def wave(rows: int) -> list[float]:
    return [100 + math.sin(2 * math.pi * row / 24) for row in range(rows)]


@pytest.mark.parametrize("name", ["snarimax", "holt_winters"])
def test_a_peer_foresees_what_river_s_own_loop_does(name: str) -> None:
    make = makers(24)[name]
    seen, alone = show(make, wave(200)), make()
    for row, value in enumerate(wave(200)):
        alone.learn_one(value)
        if not seen.fell_back[row]:
            steps = 3 if row % STRIDE == 0 else 1
            assert seen.mean[row, :steps].tolist() == alone.forecast(steps)
    assert not seen.fell_back[24:].any()


@pytest.mark.parametrize("name", ["snarimax", "holt_winters"])
def test_a_peer_beats_the_last_value_on_a_wave(name: str) -> None:
    values = np.asarray(wave(2000))
    seen = show(makers(24)[name], values, 1)
    error, of_last = np.abs(seen.mean[1000:-1, 0] - values[1001:]), np.abs(np.diff(values[1000:]))
    assert error.mean() < 0.5 * of_last.mean()


def test_more_than_one_step_is_foreseen_at_every_so_manyth_row_only() -> None:
    seen = show(lambda: Scripted(lambda last, steps: [last] * steps), wave(3 * STRIDE))
    assert np.flatnonzero(seen.whole).tolist() == [0, STRIDE, 2 * STRIDE]
    assert np.isfinite(seen.mean[seen.whole]).all()
    assert np.isfinite(seen.mean[:, 0]).all()
    assert np.isnan(seen.mean[~seen.whole, 1:]).all()


def raising(error: type[Exception]) -> Callable[[float, int], list[float]]:
    def script(last: float, steps: int) -> list[float]:
        raise error(f"{steps} steps from {last}")

    return script


@pytest.mark.parametrize(
    "script",
    [
        *map(raising, [IndexError, OverflowError, ValueError, AttributeError]),
        lambda _, steps: [math.nan] * steps,
        lambda last, steps: [last] * (steps - 1) + [math.inf],
        lambda last, steps: [last + 1e6] * steps,
        lambda last, steps: [last] * (steps - 1),
    ],
)
def test_the_last_value_stands_in_for_what_is_unfit_and_that_is_counted(
    script: Callable[[float, int], list[float]],
) -> None:
    values = wave(60)
    seen = show(lambda: Scripted(script), values)
    assert seen.fell_back.all()
    assert seen.mean[:, 0].tolist() == values
    assert seen.mean[STRIDE].tolist() == [values[STRIDE]] * 3


def test_what_is_far_off_but_not_absurd_is_left_as_it_is() -> None:
    seen = show(lambda: Scripted(lambda last, steps: [last + ABSURD / 3] * steps), wave(60))
    assert not seen.fell_back[24:].any()


def test_in_the_place_of_a_missing_value_a_peer_learns_what_it_foresaw() -> None:
    models: list[Scripted] = []

    def make() -> Scripted:
        models.append(Scripted(lambda last, steps: [last + 1] * steps))
        return models[-1]

    seen = show(make, [math.nan, 5.0, 7.0, math.nan, math.nan, 9.0])
    assert models[0].learnt == [5, 7, 8, 9, 9]
    assert seen.fell_back.tolist() == [True] + [False] * 5
    assert seen.mean[0].tolist() == [0, 0, 0]


def test_each_series_has_a_model_of_its_own() -> None:
    values = np.asarray(wave(100))
    series = np.tile([0, 1], 50)
    rows = np.arange(100) // 2
    both = Peer(makers(24)["snarimax"], 2).observe(series, rows, values)
    alone = Peer(makers(24)["snarimax"], 2).observe(series[::2], rows[::2], values[::2])
    assert np.array_equal(both.mean[::2], alone.mean, equal_nan=True)


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=False) | st.floats(-10, 10), min_size=1, max_size=60),
    st.sampled_from(["snarimax", "holt_winters"]),
    st.sampled_from([1, 2, 7]),
)
def test_whatever_comes_a_peer_foresees_numbers(values: list[float], name: str, season: int) -> None:
    seen = show(makers(season)[name], values)
    assert np.isfinite(seen.mean[:, 0]).all()
    assert np.isfinite(seen.mean[seen.whole]).all()

"""A fold is total: no finite or missing value, in no state, stops it or gives what is not finite."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Hyperparameters
from tests.odd_series import Log, Odd, odd_values, small
from tests.totality import run

HOUR = 3_600_000_000


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["alone", "group", "few"]),
    rows=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_any_odd_series_get_finite_forecasts_which_are_the_same_for_any_split(
    seed: int, kind: str, rows: int, cuts: list[int]
) -> None:
    random = np.random.default_rng(seed)
    case = small(random, kind, 1 if kind == "alone" else int(random.integers(2, 10)), rows)
    whole, parts = run(case), run(case, cuts, restored_at=len(cuts) // 2 + 1)
    assert whole.problems == []
    assert sum(whole.outcomes.values()) == len(case.log.series)
    assert parts.rows == whole.rows
    assert parts.problems == []


def hourly(values: npt.NDArray[np.float64], rules: Hyperparameters | None = None) -> Odd:
    count = len(values)
    chosen = rules or Hyperparameters(horizon=4, hidden_size=8, window=8, windows=4, replay=16, effort=0.1)
    nothing = np.zeros((count, 0))
    return Odd("alone", chosen, Log(["a"] * count, np.arange(count) * HOUR, values, np.arange(count), nothing))


def stuck(begin: int, end: int, at: float | None = 0.0, count: int = 260) -> npt.NDArray[np.float64]:
    """A day's swing that stands still for a while."""
    hours = np.arange(count)
    values = 50 + 10 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(size=count)
    values[begin:end] = values[begin] if at is None else at
    return values


@pytest.mark.parametrize("length", [12, 24, 60])
@pytest.mark.parametrize("at", [0.0, None, 1e30], ids=["zero", "its last value", "1e30"])
def test_a_sensor_that_sticks_before_its_week_is_full_is_forecast(length: int, at: float | None) -> None:
    case = hourly(stuck(110, 110 + length, at))
    found = run(case)
    assert found.problems == []
    assert found.outcomes == {"FORECAST": 260}


@pytest.mark.parametrize("memory", [8 + 4, 49, 72, 73, 200])
def test_a_memory_as_short_as_a_season_is_enough(memory: int) -> None:
    rules = Hyperparameters(horizon=4, hidden_size=4, window=8, windows=2, replay=8, memory=memory, effort=0.1)
    values = stuck(110, 134)
    values[180:] *= -1
    assert run(hourly(values, rules)).problems == []


EXTREMES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.floating]]] = {
    "from 1e30 to 1e-30 and back": lambda i: np.where(i // 40 % 2 == 0, 1e30, 1e-30),
    "the smallest numbers that there are": lambda i: 5e-324 * (i % 3),
    "1e30 of either sign": lambda i: np.where(i % 2 == 0, 1e30, -1e30),
    "a unit of 1e-9, then 1e30": lambda i: (
        np.where(i < 150, 1e20 * (5 + np.sin(i / 4)), 1e11 * (5 + np.sin(i / 4))) + np.where(i > 220, 1e30, 0.0)
    ),
    "all but one missing": lambda i: np.where(i == 3, 1.0, np.nan),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_forecast(name: str) -> None:
    values = np.asarray(EXTREMES[name](np.arange(260.0)), np.float64)
    assert run(hourly(values)).problems == []


def test_covariates_as_large_as_numbers_get_are_no_harm() -> None:
    count = 120
    case = hourly(stuck(40, 60, count=count), Hyperparameters(horizon=2, hidden_size=4, window=8, covariates=2))
    huge = np.where(np.arange(count)[:, None] % 2 == 0, 1.7e308, [-1.7e308, np.inf])
    assert run(case._replace(log=case.log._replace(covariates=huge))).problems == []


@pytest.mark.parametrize("furthest", [2**63 - 1, -(2**63)])
def test_no_time_overflows(furthest: int) -> None:
    case = hourly(stuck(10, 20, count=30))
    case.log.times[[7, 20, 21, 22]] = furthest
    case.log.times[25] = -furthest - 1
    found = run(case)
    assert found.problems == []
    assert sum(found.outcomes.values()) == 30


def test_odd_values_are_odd() -> None:
    random = np.random.default_rng(0)
    made = [odd_values(random, 200) for _ in range(400)]
    assert any((series == 0).all() for series in made)
    assert any(np.isnan(series).mean() > 0.5 for series in made)
    assert max(np.nanmax(np.abs(series), initial=0.0) for series in made) == 1e30
    assert any((np.diff(series) == 0)[20:].sum() > 12 and np.nanstd(series) > 0 for series in made)


def test_the_hunt_tells_what_it_saw() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.odd", "--observations", "1", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 seeds from 3" in done.stdout
    assert "0 problems in 0 seeds" in done.stdout

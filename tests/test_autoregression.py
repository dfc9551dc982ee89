"""The series' own autoregression: it forecasts as well as can be what is one, and no value that is odd spoils it."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Expert, ExpertForecasts, Hyperparameters
from lstm_stream.autoregression import BEGINNING, FEWEST
from lstm_stream.experts import EXPERTS

HOUR = 3_600_000_000
HORIZON = 12
RULES = Hyperparameters(horizon=HORIZON, pretrained=False, effort=0.0)
Values = npt.NDArray[np.float64]


def said_of(values: Values, step: int = HOUR) -> Values:
    """What it says (N, H) along a series; NaN: nothing."""
    count = len(values)
    said = ExpertForecasts.zeros(count, EXPERTS, HORIZON)
    Bank(RULES).observe(["a"] * count, np.arange(count) * step, values, by_expert=said)
    return said.mean[:, Expert.AUTOREGRESSION].astype(np.float64)


def swinging(count: int, seed: int) -> Values:
    """An autoregression of two lags, whose noise has a standard deviation of 1."""
    noise, values = np.random.default_rng(seed).normal(size=count), np.zeros(count)
    for t in range(2, count):
        values[t] = 1.5 * values[t - 1] - 0.8 * values[t - 2] + noise[t]
    return values


def off(said: Values, values: Values, horizon: int, first: int) -> float:
    """Mean squared error so many steps ahead, from a row on."""
    return float(np.mean((said[first:-horizon, horizon - 1] - values[first + horizon :]) ** 2))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_nearly_as_good_as_one_that_knows_the_weights(seed: int) -> None:
    values = swinging(1500, seed)
    said = said_of(values, 11_000_000)
    one = 1.5 * values - 0.8 * np.roll(values, 1)
    two = 1.5 * one - 0.8 * values
    for horizon, known in ((1, one), (2, two)):
        best = float(np.mean((known[500:-horizon] - values[500 + horizon :]) ** 2))
        assert off(said, values, horizon, 500) < 1.08 * best


def test_it_knows_values_of_a_season_ago() -> None:
    draw = np.random.default_rng(4)
    course = np.tile(draw.normal(0, 5, 24), 40)
    values = course + 0.1 * draw.normal(size=len(course))
    assert off(said_of(values), values, HORIZON, 400) < 0.05


def test_its_unit_and_its_zero_do_not_matter() -> None:
    values = swinging(300, 5)
    plain, moved = said_of(values), said_of(values * 4096.0 + 65536.0)
    assert np.nanmax(np.abs((moved - 65536.0) / 4096.0 - plain)[50:]) < 0.02


def test_it_says_nothing_until_it_has_learnt_enough() -> None:
    said = said_of(swinging(120, 6))
    began = int(np.argmax(np.isfinite(said[:, 0])))
    assert FEWEST + BEGINNING <= began <= FEWEST + BEGINNING + 6
    assert np.isfinite(said[began:]).all()


@pytest.mark.parametrize("odd", [1e6, -1e12, 1e30])
def test_a_wild_value_does_not_undo_what_it_has_learnt(odd: float) -> None:
    values = swinging(900, 7)
    undisturbed = off(said_of(values), values, 1, 600)
    wild = values.copy()
    wild[500] = odd
    assert off(said_of(wild), wild, 1, 600) < 1.3 * undisturbed


def test_values_that_are_missing_are_no_lessons() -> None:
    values = swinging(900, 8)
    missing = values.copy()
    missing[np.random.default_rng(1).random(900) < 0.2] = np.nan
    said = said_of(missing)
    assert np.isfinite(said[100:]).all()
    after = np.flatnonzero(np.isfinite(missing[501:-1]) & np.isfinite(missing[500:-2])) + 501
    assert np.mean((said[after, 0] - values[after + 1]) ** 2) < 1.6


@pytest.mark.parametrize("noise", [0.001, 0.01])
def test_growth_over_many_magnitudes_is_followed(noise: float) -> None:
    values = 100.0 * 1.05 ** np.arange(900.0) * np.exp(noise * np.random.default_rng(3).normal(size=900))
    said = said_of(values, 24 * HOUR)
    off = np.abs(said[200:-1, 0] / values[201:] - 1.0)
    assert np.median(off) < 3 * noise
    assert off.max() < 0.5


def test_decay_over_many_magnitudes_stays_finite() -> None:
    said = said_of(100.0 * 0.9 ** np.arange(900.0))
    assert np.isfinite(said[100:]).all()


@pytest.mark.parametrize(("noise", "most"), [(0.001, 2.2), (0.01, 1.5), (0.03, 1.4)])
def test_growth_is_followed_further_ahead(noise: float, most: float) -> None:
    """Lessons of a series that grows do not count the more the larger it is; `most` is in standard deviations."""
    values = 100.0 * 1.05 ** np.arange(600.0) * np.exp(noise * np.random.default_rng(5).normal(size=600))
    said = said_of(values, 24 * HOUR)
    off = np.abs(said[100:-HORIZON, HORIZON - 1] / values[100 + HORIZON :] - 1.0)
    assert np.median(off) < most * noise


@pytest.mark.parametrize("seed", range(3))
def test_what_it_knows_lasts_however_far_a_series_grows(seed: int) -> None:
    """Where single precision needs another unit, the weights are as sure as before."""
    noise = 0.02 * np.random.default_rng(seed).normal(size=400)
    values = 100.0 * 1.05 ** np.arange(400.0) * np.exp(noise)
    said = said_of(values, 11_000_000)
    off = np.square(said[:-HORIZON, HORIZON - 1] / values[HORIZON:] - 1.0)
    assert off[330:360].mean() < 2 * off[200:300].mean()

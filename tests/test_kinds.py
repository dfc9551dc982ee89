"""What a model must know of kinds of series that it is not tuned to; `tests.benchmarks.kinds` measures many more."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Hyperparameters
from lstm_stream.forecasts import Forecasts
from tests.benchmarks.kinds import row, show, sums
from tests.kinds_of_series import KINDS, Kind, kinds

HOUR = 3_600_000_000
"""Microseconds."""
Values = npt.NDArray[np.float64]


def forecasts_of(values: Values, step: int = HOUR) -> Forecasts:
    """Of a series alone."""
    bank = Bank(Hyperparameters(horizon=24))
    return bank.observe(["a"] * len(values), np.arange(len(values)) * step, values)


def calm(seed: int, count: int) -> Values:
    """A level with noise of size 1."""
    return 20 + np.random.default_rng(seed).normal(size=count)


@pytest.mark.parametrize("size", [30.0, 500.0])
def test_a_nightly_spike_is_foreseen_from_its_fourth_night_on(size: float) -> None:
    values = calm(0, 24 * 6)
    values[3::24] += size
    nights = np.arange(3 + 3 * 24, len(values), 24)
    forecasts = forecasts_of(values)
    ahead = [forecasts.mean[night - 12, 11] - 20 for night in nights]
    assert min(ahead) > 0.7 * size
    after = [forecasts.mean[night, 0] - 20 for night in nights]
    assert np.abs(after).max() < 0.3 * size


def test_a_spike_that_came_once_is_not_repeated_a_night_later() -> None:
    values = calm(1, 24 * 8)
    values[3 + 4 * 24] += 150
    forecasts = forecasts_of(values)
    night = 3 + 5 * 24
    assert abs(forecasts.mean[night - 1, 0] - 20) < 30
    assert abs(forecasts.mean[night - 12, 11] - 20) < 30


@pytest.mark.parametrize("share", [0.03, 0.2, 0.6])
def test_the_interval_of_intermittent_demand_has_width_and_its_mean_is_the_mean(share: float) -> None:
    draw = np.random.default_rng(2)
    values = np.where(draw.random(900) < share, 5.0, 0.0)
    forecasts = forecasts_of(values, 24 * HOUR)
    width = forecasts.quantiles[400:, 0, -1] - forecasts.quantiles[400:, 0, 0]
    assert np.median(width) > 0
    assert forecasts.mean[400:-1, 0].mean() == pytest.approx(values[401:].mean(), rel=0.5)
    squared = ((forecasts.mean[400:-1, 0] - values[401:]) ** 2).mean()
    assert squared < 1.25 * values[401:].var()


@pytest.mark.parametrize("seed", range(3))
def test_after_a_seldom_demand_the_forecast_goes_back_to_nothing(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = np.where(draw.random(900) < 0.015, draw.integers(2, 8, 900), 0.0)
    forecasts = forecasts_of(values, 24 * HOUR)
    after = [t for t in range(500, 899) if values[t] > 0]
    assert np.mean([forecasts.mean[t, 0] / values[t] for t in after]) < 0.25


def test_a_season_of_no_calendar_is_forecast_as_soon_as_it_is_found() -> None:
    on = 10.0 * (np.arange(400) % 34 < 17)  # at first taken for a season of 33 steps
    values, times = on + 0.2 * np.random.default_rng(1).normal(size=400), np.arange(400) * HOUR // 60
    forecasts = Bank(Hyperparameters(horizon=24)).observe(["series 0"] * 400, times, values)
    ahead = np.arange(250, 370)[:, None] + np.arange(1, 25)
    assert ((forecasts.mean[250:370] - on[ahead]) ** 2).mean() < 0.2


def test_growth_of_five_per_cent_a_step_is_foreseen_after_two_hundred_steps() -> None:
    values = 100 * 1.05 ** np.arange(264.0) * np.exp(0.001 * np.random.default_rng(5).normal(size=264))
    forecasts = forecasts_of(values, 24 * HOUR)
    off = forecasts.mean[180:240, 23] / values[204:] - 1.0
    assert np.abs(off).mean() < 0.04


def test_growth_of_five_per_cent_a_step_is_covered() -> None:
    draw = np.random.default_rng(3)
    values = 100 * np.exp(0.0488 * np.arange(400) + 0.02 * draw.normal(size=400))
    forecasts = forecasts_of(values, 24 * HOUR)
    for h, least in ((1, 0.8), (12, 0.7)):
        target, told = values[150 + h :], forecasts.quantiles[150:-h, h - 1]
        inside = (told[:, 0] <= target) & (target <= told[:, -1])
        assert inside.mean() > least


def test_what_comes_after_many_zeros_is_forecast_as_if_they_had_not_been() -> None:
    draw = np.random.default_rng(4)
    life = 50 + 10 * np.sin(np.arange(240) * 2 * np.pi / 24) + draw.normal(size=240)
    alone, late = forecasts_of(life), forecasts_of(np.concatenate([np.zeros(300), life]))

    def error(means: Values) -> float:
        return float(np.mean([((means[60:-h, h - 1] - life[60 + h :]) ** 2).mean() for h in (1, 6, 12, 24)]))

    assert error(late.mean[300:]) < 1.5 * error(alone.mean)


def test_a_constant_series_with_one_wild_value_goes_on_as_before() -> None:
    values = np.zeros(300)
    values[150] = 1e12
    forecasts = forecasts_of(values)
    assert np.abs(forecasts.mean[200:]).max() < 1e-3
    assert np.isfinite(forecasts.quantiles).all()


def test_all_kinds_are_there_with_a_scored_part_and_rising_times() -> None:
    every = list(kinds(0))
    assert [kind.name for kind in every] == list(KINDS)
    for kind in every:
        assert np.isfinite(kind.values).all()
        assert len(kind.values) > 4 * kind.horizon
        assert (np.diff(kind.times()) > 0).all()


def test_the_benchmark_holds_a_kind_against_the_best_of_what_is_simple() -> None:
    kind = Kind("season", 3600, 24, np.tile(np.arange(24.0), 12)[:, None])
    found = row("season", 24, [sums(kind, show(kind), 24)])
    assert found.best == "seasonal naive"
    assert found.mse >= 1.0
    assert 0 <= found.off_ends <= found.inside <= 1

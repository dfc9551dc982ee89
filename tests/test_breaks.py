"""The laws of breaks: a series goes on as it was when its sign or unit changes, and outages are not remembered."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Hyperparameters
from lstm_stream.breaks import mend_break
from lstm_stream.columns import grown
from lstm_stream.compiled import entry
from lstm_stream.forecasts import Forecasts
from lstm_stream.history import History, append
from lstm_stream.scale import Scale, measure, rescale, set_step

HOUR = 3_600_000_000
MINUTE = 60_000_000
AT, LENGTH = 500, 700
"""The row something happens at, and how many there are."""
SEEN = AT + 30
"""From this row on it is known."""


def daily(seed: int = 0) -> npt.NDArray[np.float64]:
    """Two harmonics of the day around 20, with some noise."""
    hours = np.arange(LENGTH)
    shape = 3 * np.sin(hours * np.pi / 12) + np.sin(hours * np.pi / 6 + 1)
    return 20 + shape + np.random.default_rng(seed).normal(size=LENGTH) / 5


def shown(
    values: npt.NDArray[np.float64], quantiles: tuple[float, ...] = (0.05, 0.5, 0.95), calls: int = 1
) -> tuple[Bank, Forecasts]:
    """A bank that was shown an hourly series in so many calls, and all its forecasts."""
    bank = Bank(Hyperparameters(horizon=6, quantiles=quantiles, step="event", effort=0.2))
    parts = [
        bank.observe(["a"] * len(part), part * HOUR, values[part])
        for part in np.array_split(np.arange(len(values)), calls)
    ]
    return bank, Forecasts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@cache
def calm() -> Forecasts:
    """Forecasts of the series to which nothing happens."""
    return shown(daily())[1]


def errors(values: npt.NDArray[np.float64], forecasts: Forecasts) -> npt.NDArray[np.float64]:
    """Absolute errors (T,) one to six steps ahead, of the rows whose steps have all come."""
    rows = np.arange(len(values) - 6)
    came = values[rows[:, None] + np.arange(1, 7)]
    mean: npt.NDArray[np.float64] = np.abs(forecasts.mean[rows] - came).mean(1)
    return mean


CHANGES = {"turned": -1.0, "in thousandths": 1000.0, "in hundreds": 0.01}


@pytest.mark.parametrize("factor", CHANGES.values(), ids=CHANGES)
def test_a_series_of_another_sign_or_unit_goes_on_as_it_was(factor: float) -> None:
    values = daily()
    values[AT:] *= factor
    bank, forecasts = shown(values)
    assert bank.diagnostics.breaks == 1
    usual = errors(daily(), calm())[SEEN:].mean()
    assert errors(values, forecasts)[SEEN:].mean() < 1.1 * abs(factor) * usual


def test_a_series_mirrored_at_its_level_goes_on_as_it_was() -> None:
    values = daily()
    values[AT:] = 50 - values[AT:]
    bank, forecasts = shown(values)
    assert bank.diagnostics.breaks == 1
    assert errors(values, forecasts)[SEEN:].mean() < 1.1 * errors(daily(), calm())[SEEN:].mean()


def test_the_interval_of_a_turned_series_is_in_order_and_soon_as_wide_as_it_was() -> None:
    values = daily()
    values[AT:] *= -1
    forecasts = shown(values)[1]
    rows = np.arange(SEEN, LENGTH - 6)
    low, middle, high = forecasts.quantiles[rows].transpose(2, 0, 1)
    assert ((low <= middle) & (middle <= high)).all()
    came = values[rows[:, None] + np.arange(1, 7)]
    assert 0.85 < ((low <= came) & (came <= high)).mean() <= 1.0
    assert forecasts.scale[SEEN:] == pytest.approx(calm().scale[SEEN:], rel=0.1)
    width, usual = (np.ptp(one.quantiles[SEEN + 20 :], axis=2).mean() for one in (forecasts, calm()))
    assert 0.7 * usual < width < 1.5 * usual


@pytest.mark.parametrize("factor", CHANGES.values(), ids=CHANGES)
def test_what_is_told_of_a_series_that_broke_is_in_its_own_unit(factor: float) -> None:
    values = daily()
    values[AT:] *= factor
    bank, _ = shown(values)
    assert bank.diagnostics.breaks == 1
    times, recent = bank.diagnostics.recent("a", 10)
    assert recent == pytest.approx(values[-10:], rel=1e-5)
    assert times.tolist() == [hour * HOUR for hour in range(LENGTH - 10, LENGTH)]
    model, last_value = bank.diagnostics.errors("a")
    assert model < last_value
    assert last_value == pytest.approx(np.abs(np.diff(values[-250:])).mean(), rel=0.8)


def test_a_sign_is_not_turned_where_quantiles_are_not_symmetric() -> None:
    values = daily()
    values[AT:] *= -1
    bank, forecasts = shown(values, quantiles=(0.1, 0.5, 0.99))
    assert bank.diagnostics.breaks == 0
    assert (np.diff(forecasts.quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_series_that_shifts_trends_or_swings_more_has_not_broken(seed: int) -> None:
    shifted, trending, swinging = daily(seed), daily(seed), daily(seed)
    shifted[AT:] += 30
    trending += np.arange(LENGTH) / 10
    swinging[AT:] = 20 + 3 * (swinging[AT:] - 20)
    walk = np.cumsum(np.random.default_rng(seed).normal(size=LENGTH))
    assert [shown(values)[0].diagnostics.breaks for values in (shifted, trending, swinging, walk)] == [0] * 4


@pytest.mark.parametrize("minutes", [5, 10, 15, 30])
def test_signs_are_seen_to_turn_at_any_step_and_shifts_are_none(minutes: int) -> None:
    length = 20 * 24 * 60 // minutes
    angle = np.arange(length) * 2 * np.pi * minutes / (24 * 60)
    noise = np.random.default_rng(0).normal(size=length)
    values = 20 + 3 * np.sin(angle) + np.sin(2 * angle + 1) + noise / 10
    assert in_memory(-1.0, 0.0, values, minutes) == 1
    assert in_memory(1000.0, 0.0, values, minutes) == 1
    assert in_memory(1.0, 30.0, values, minutes) == 0
    walk = np.convolve(np.cumsum(noise), np.ones(12) / 12, "same")
    assert in_memory(1.0, 6 * np.abs(walk[288:] - walk[:-288]).mean(), walk, minutes) == 0


@entry
def breaks_of(history: History, scale: Scale, step: int, values: npt.NDArray[np.float64]) -> int:
    """How often the first series breaks that sees these values."""
    count = 0
    set_step(scale, history, 0, step)
    for value in values:
        append(history, 0, value)
        if mend_break(history, scale, 0, True)[0] >= 0:
            measure(scale, history, 0)
            count += 1
        rescale(scale, history, 0, 0.0)
    return count


def in_memory(factor: float, shift: float, values: npt.NDArray[np.float64], minutes: int) -> int:
    """Breaks of a series that is another one from its last 200 values on."""
    history, scale = grown(History.empty(2048), 1), grown(Scale.empty(), 1)
    broken = np.concatenate([values[:-200], factor * values[-200:] + shift])
    return breaks_of(history, scale, minutes * MINUTE, broken)


def test_a_break_that_is_seen_late_leaves_the_scale_as_it_was() -> None:
    values = daily()
    values[AT : AT + 12] = 1000 * values[AT - 200]  # which no season explains
    values[AT + 12 :] *= 1000
    bank, forecasts = shown(values)
    assert bank.diagnostics.breaks <= 1
    assert forecasts.scale[AT + 150 :] == pytest.approx(np.full(LENGTH - AT - 150, 2400.0), rel=0.5)


def test_a_factor_too_small_to_be_told_from_none_is_no_factor() -> None:
    values = daily()
    values -= values[0]
    values[AT:] *= 1e-17
    forecasts = shown(values)[1]
    assert np.isfinite(forecasts.mean).all()
    assert np.isfinite(forecasts.quantiles).all()


@pytest.mark.parametrize("stuck", [0.0, None], ids=["at zero", "at the last value"])
def test_the_first_standstill_is_not_taken_for_a_season(stuck: float | None) -> None:
    values = daily()
    values[AT : AT + 24] = values[AT - 1] if stuck is None else stuck
    bank, forecasts = shown(values)
    assert bank.diagnostics.breaks == 1
    since = slice(AT + 24 + 20, None)
    assert errors(values, forecasts)[since].mean() < 1.2 * errors(daily(), calm())[since].mean()


@pytest.mark.parametrize("slope", [0.3, 1.0])
def test_a_series_with_a_trend_goes_on_after_a_standstill(slope: float) -> None:
    rising = daily() + slope * np.arange(LENGTH)
    values = rising.copy()
    values[AT : AT + 24] = values[AT - 1]
    bank, forecasts = shown(values)
    assert bank.diagnostics.breaks == 1
    since = slice(AT + 24 + 20, None)
    assert errors(values, forecasts)[since].mean() < 2 * errors(rising, shown(rising)[1])[since].mean()


@pytest.mark.parametrize("missing", [AT + 10, AT + 24], ids=["within", "after"])
def test_a_standstill_with_a_missing_value_is_seen(missing: int) -> None:
    values = daily()
    values[AT : AT + 24] = values[AT - 1]
    values[missing] = np.nan
    assert shown(values)[0].diagnostics.breaks == 1


def test_a_standstill_that_comes_again_is_believed() -> None:
    values = daily()
    for begin in (300, 400, 500, 600):
        values[begin : begin + 20] = 20.0
    assert shown(values)[0].diagnostics.breaks == 1


@pytest.mark.parametrize("calls", [2, 7, LENGTH])
def test_breaks_are_the_same_however_the_log_is_split_and_kept_in_a_dump(calls: int) -> None:
    values = daily()
    values[AT:] *= -1
    values[AT - 100 : AT - 70] = 5.0
    whole, split = shown(values), shown(values, calls=calls)
    assert whole[0].diagnostics.breaks == split[0].diagnostics.breaks == 2
    assert whole[1].mean.tobytes() == split[1].mean.tobytes()
    assert whole[1].quantiles.tobytes() == split[1].quantiles.tobytes()
    again = Bank.load(*whole[0].dump())
    assert again.diagnostics.breaks == 2
    assert (again.forecast(["a"]).mean == whole[1].mean[-1:]).all()

"""The laws of breaks: a series goes on as it was when its sign or unit changes, and outages are not remembered."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Hyperparameters
from lstm_stream.forecasts import Forecasts

HOUR = 3_600_000_000
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


def errors(values: npt.NDArray[np.float64], forecasts: Forecasts) -> npt.NDArray[np.float64]:
    """Absolute errors (T,) one to six steps ahead, of the rows whose steps have all come."""
    rows = np.arange(len(values) - 6)
    came = values[rows[:, None] + np.arange(1, 7)]
    mean: npt.NDArray[np.float64] = np.abs(forecasts.mean[rows] - came).mean(1)
    return mean


CHANGES = {"turned": -1.0, "in thousandths": 1000.0, "in hundreds": 0.01}


@pytest.mark.parametrize("factor", CHANGES.values(), ids=CHANGES)
def test_a_series_of_another_sign_or_unit_goes_on_as_it_was(factor: float) -> None:
    calm, values = daily(), daily()
    values[AT:] *= factor
    bank, forecasts = shown(values)
    assert bank.breaks == 1
    usual = errors(calm, shown(calm)[1])[SEEN:].mean()
    assert errors(values, forecasts)[SEEN:].mean() < 1.1 * abs(factor) * usual


def test_a_series_mirrored_at_its_level_goes_on_as_it_was() -> None:
    calm, values = daily(), daily()
    values[AT:] = 50 - values[AT:]
    bank, forecasts = shown(values)
    assert bank.breaks == 1
    assert errors(values, forecasts)[SEEN:].mean() < 1.1 * errors(calm, shown(calm)[1])[SEEN:].mean()


def test_the_interval_of_a_turned_series_is_in_order_and_holds_what_it_should() -> None:
    values = daily()
    values[AT:] *= -1
    forecasts = shown(values)[1]
    rows = np.arange(SEEN, LENGTH - 6)
    low, middle, high = forecasts.quantiles[rows].transpose(2, 0, 1)
    assert ((low <= middle) & (middle <= high)).all()
    came = values[rows[:, None] + np.arange(1, 7)]
    assert 0.85 < ((low <= came) & (came <= high)).mean() <= 1.0
    assert (forecasts.scale > 0).all()


def test_what_is_told_of_a_series_that_broke_is_in_its_own_unit() -> None:
    values = daily()
    values[AT:] *= -1000
    bank, _ = shown(values)
    times, recent = bank.recent("a", 10)
    assert recent == pytest.approx(values[-10:], rel=1e-5)
    assert times.tolist() == [hour * HOUR for hour in range(LENGTH - 10, LENGTH)]
    model, last_value = bank.errors("a")
    assert model < last_value
    assert last_value == pytest.approx(np.abs(np.diff(values[-200:])).mean(), rel=0.5)


def test_a_sign_is_not_turned_where_quantiles_are_not_symmetric() -> None:
    values = daily()
    values[AT:] *= -1
    bank, forecasts = shown(values, quantiles=(0.1, 0.5, 0.99))
    assert bank.breaks == 0
    assert (np.diff(forecasts.quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_series_that_shifts_trends_or_swings_more_has_not_broken(seed: int) -> None:
    shifted, trending, swinging = daily(seed), daily(seed), daily(seed)
    shifted[AT:] += 30
    trending += np.arange(LENGTH) / 10
    swinging[AT:] = 20 + 3 * (swinging[AT:] - 20)
    walk = np.cumsum(np.random.default_rng(seed).normal(size=LENGTH))
    assert [shown(values)[0].breaks for values in (shifted, trending, swinging, walk)] == [0] * 4


@pytest.mark.parametrize("stuck", [0.0, None], ids=["at zero", "at the last value"])
def test_the_first_standstill_is_not_taken_for_a_season(stuck: float | None) -> None:
    calm, values = daily(), daily()
    values[AT : AT + 24] = values[AT - 1] if stuck is None else stuck
    bank, forecasts = shown(values)
    assert bank.breaks == 1
    since = slice(AT + 24 + 20, None)
    assert errors(values, forecasts)[since].mean() < 1.2 * errors(calm, shown(calm)[1])[since].mean()


def test_a_standstill_that_comes_again_is_believed() -> None:
    values = daily()
    for begin in (300, 400, 500, 600):
        values[begin : begin + 20] = 20.0
    assert shown(values)[0].breaks == 1


@pytest.mark.parametrize("calls", [2, 7, LENGTH])
def test_breaks_are_the_same_however_the_log_is_split_and_kept_in_a_dump(calls: int) -> None:
    values = daily()
    values[AT:] *= -1
    values[AT - 100 : AT - 70] = 5.0
    whole, split = shown(values), shown(values, calls=calls)
    assert whole[0].breaks == split[0].breaks == 2
    for one, other in zip(whole[1], split[1], strict=True):
        assert one.tobytes() == other.tobytes()
    again = Bank.load(*whole[0].dump())
    assert again.breaks == 2
    assert (again.forecast(["a"]).mean == whole[1].mean[-1:]).all()

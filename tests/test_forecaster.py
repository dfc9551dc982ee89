"""LSTMForecaster is a forecaster as river means it."""

import copy
import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt
import pytest
from river import checks, compose, datasets, evaluate, metrics, time_series
from river.base import Estimator

from lstm_stream import Bank, Hyperparameters, LSTMForecaster

HOUR = 3_600_000_000
START = datetime(2026, 1, 1)
HOURS = [START + timedelta(hours=hour) for hour in range(200)]
DAYS = [date(2026, 1, 1) + timedelta(days=day) for day in range(60)]
MONTHS = [datetime(1950 + month // 12, month % 12 + 1, 1) for month in range(90)]
NO_NUMBERS = (None, "warm", math.nan, math.inf, 1e31, 10**400, 1j, [1.0])

Values = Sequence[float | None] | npt.NDArray[np.float64]
Known = Sequence[Mapping[str, object] | None]


def learnt(model: LSTMForecaster, values: Values, known: Known | None = None) -> LSTMForecaster:
    """The model after these values."""
    for value, x in zip(values, known or [None] * len(values), strict=True):
        model.learn_one(value, x)
    return model


def at(stamps: Sequence[object], **others: object) -> Known:
    """An x for each of these time stamps."""
    return [{"at": stamp, **others} for stamp in stamps]


# As river means it

CHECKED = (LSTMForecaster(), LSTMForecaster(timestamp="time", covariates=("period", "time")))


@pytest.mark.parametrize("model", CHECKED, ids=["plain", "covariates"])
@pytest.mark.parametrize("check", list(checks.yield_checks(LSTMForecaster())), ids=lambda check: check.__name__)
def test_it_passes_each_of_rivers_checks(check: Callable[[Estimator], None], model: LSTMForecaster) -> None:
    check(model.clone())


@pytest.mark.parametrize("covariates", [None, (), ("a",), ("a", "b")])
def test_a_clone_knows_nothing_but_its_parameters(covariates: tuple[str, ...] | None) -> None:
    model = LSTMForecaster(horizon=3, timestamp="at", covariates=covariates, seed=1)
    known = at(HOURS[:20], a=1.0)
    clone = learnt(model, np.arange(20.0), known).clone()
    assert repr(clone) == repr(model)
    assert clone.forecast(3) == [0.0] * 3
    assert learnt(clone, np.arange(20.0), known).forecast(3) == model.forecast(3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_alike(copied: Callable[[LSTMForecaster], LSTMForecaster]) -> None:
    first = learnt(LSTMForecaster(horizon=3), np.sin(np.arange(100.0)), at(HOURS[:100]))
    second = copied(first)
    for model in (first, second):
        learnt(model, np.sin(np.arange(100.0, 150.0)), at(HOURS[100:150]))
    assert first.forecast(3) == second.forecast(3)


def test_it_ends_a_pipeline_of_rivers() -> None:
    piped, alone = compose.Select("at") | LSTMForecaster(horizon=3), LSTMForecaster(horizon=3)
    for step, hour in enumerate(HOURS[:40]):
        piped.learn_one({"at": hour, "seen": START}, float(step % 5))
        alone.learn_one(float(step % 5), {"at": hour})
    assert piped.forecast(3) == alone.forecast(3)


@pytest.mark.parametrize("forecaster", [time_series.HoltWinters(alpha=0.1), time_series.HoltWinters(0.5, 0.1)])
@pytest.mark.parametrize("horizon", [4, 12])
def test_it_beats_rivers_smoothers_in_rivers_own_evaluation(horizon: int, forecaster: object) -> None:
    def errors(model: object) -> list[float]:
        measured = evaluate.evaluate(datasets.AirlinePassengers(), model, metrics.MAE(), horizon)
        assert isinstance(measured, time_series.HorizonMetric)
        return list(measured.get())

    ours, theirs = errors(LSTMForecaster()), errors(forecaster)
    assert len(ours) == horizon
    assert np.mean(ours) < 0.9 * np.mean(theirs)


def test_it_beats_the_value_a_year_ago_on_rivers_airline_passengers() -> None:
    rows = list(datasets.AirlinePassengers())
    model, error = LSTMForecaster(horizon=6), time_series.HorizonAggMetric(metrics.MAE(), np.mean)
    naive = time_series.HorizonAggMetric(metrics.MAE(), np.mean)
    values = [value for _, value in rows]
    for index, (x, value) in enumerate(rows[:-6], start=1):
        model.learn_one(value, x)
        if index >= 24:
            error.update(values[index : index + 6], model.forecast(6))
            naive.update(values[index : index + 6], values[index - 12 : index - 6])
    assert error.get() < 0.75 * naive.get()


def test_it_beats_the_last_value_on_rivers_water_flow() -> None:
    model, error = LSTMForecaster(horizon=6), time_series.HorizonAggMetric(metrics.MAE(), np.mean)
    naive = metrics.MAE()
    rows = list(datasets.WaterFlow())
    for index, (x, value) in enumerate(rows[:-6]):
        model.learn_one(value, x)
        truth = [value for _, value in rows[index + 1 : index + 7]]
        if index >= 300:
            error.update(truth, model.forecast(6))
            for came in truth:
                naive.update(came, value)
    assert error.get() < naive.get()


# A bank of one series


def test_it_is_a_bank_of_one_series_whose_season_takes_a_day() -> None:
    values = np.random.default_rng(0).normal(size=200)
    bank = Bank(Hyperparameters(horizon=5, step=7200))
    told = bank.observe(["y"] * 200, np.arange(200) * 2 * HOUR, values)
    model = learnt(LSTMForecaster(horizon=5, period=12), values)
    assert model.forecast(5) == told.mean[-1].tolist()
    assert model.forecast_quantiles(5) == {
        level: told.quantiles[-1, :, i].tolist() for i, level in enumerate(bank.rules.quantiles)
    }


def test_with_time_stamps_and_covariates_it_is_a_bank_that_gets_them() -> None:
    generator = np.random.default_rng(0)
    values, covariates = generator.normal(size=90), generator.normal(size=(90, 2))
    times = np.asarray([(month - datetime(1970, 1, 1)) // timedelta(microseconds=1) for month in MONTHS])
    bank = Bank(Hyperparameters(horizon=5, step="event", covariates=2))
    told = bank.observe(["y"] * 90, times, values, covariates=covariates)
    known = [{"a": a, "b": b, "at": month} for (a, b), month in zip(covariates, MONTHS, strict=True)]
    assert learnt(LSTMForecaster(5, covariates=("a", "b")), values, known).forecast(5) == told.mean[-1].tolist()


def dumped(model: LSTMForecaster) -> tuple[dict[str, object], dict[str, bytes]]:
    header, arrays = model._bank.dump()
    return header, {name: array.tobytes() for name, array in arrays.items()}


def test_a_forecast_changes_nothing() -> None:
    model = learnt(LSTMForecaster(horizon=3, covariates=("a",)), np.sin(np.arange(100.0)), at(HOURS[:100], a=1.0))
    before, first = dumped(model), model.forecast(3)
    assert model.forecast(3, at(HOURS[100:103], a=9.0)) == model.forecast(3, [{}] * 3) == first  # type: ignore[arg-type]
    model.forecast_quantiles(2)
    assert dumped(model) == before


def test_who_is_asked_between_any_two_values_goes_on_like_who_is_not() -> None:
    asked, unasked = LSTMForecaster(horizon=3), LSTMForecaster(horizon=3)
    for value in np.sin(np.arange(100.0)):
        asked.forecast(3)
        asked.learn_one(value)
        unasked.learn_one(value)
    assert asked.forecast(3) == unasked.forecast(3)


def test_a_shorter_forecast_is_the_beginning_of_a_longer_one_and_too_long_a_one_is_refused() -> None:
    model = learnt(LSTMForecaster(horizon=3), np.sin(np.arange(40.0)))
    assert model.forecast(2) == model.forecast(3)[:2]
    with pytest.raises(ValueError, match="make the model with horizon=4"):
        model.forecast(4)


# Values


@pytest.mark.parametrize("missing", [None, math.nan, np.float32("nan"), math.inf, -1e31])
def test_what_is_no_value_is_missing(missing: float | None) -> None:
    values = [math.nan, *np.sin(np.arange(60.0)).tolist(), math.nan, 0.5]
    spoilt = [missing, *values[1:-2], missing, 0.5]
    assert learnt(LSTMForecaster(3), spoilt).forecast(3) == learnt(LSTMForecaster(3), values).forecast(3)


def test_before_the_first_value_it_forecasts_nothing_and_then_the_first_value() -> None:
    model = LSTMForecaster(horizon=2)
    assert model.forecast(2) == [0.0, 0.0]
    assert learnt(model, [None, math.nan]).forecast(2) == [0.0, 0.0]
    assert model.forecast_quantiles(1) == {0.05: [0.0], 0.5: [0.0], 0.95: [0.0]}
    assert learnt(model, [7]).forecast(2) == [7.0, 7.0]


@pytest.mark.parametrize("kind", [int, np.int64, np.float32, np.float64])
def test_any_kind_of_number_will_do(kind: Callable[[int], float]) -> None:
    values = [kind(step % 7) for step in range(40)]
    assert learnt(LSTMForecaster(3), values).forecast(3) == learnt(LSTMForecaster(3), np.arange(40.0) % 7).forecast(3)


# Seasons


def error_after_six_seasons(model: LSTMForecaster, period: int, stamps: Sequence[object] = ()) -> float:
    """Of the forecast of a whole season, relative to that of the last value."""
    season = np.random.default_rng(0).normal(size=period)
    learnt(model, np.tile(season, 6), at(stamps[: 6 * period]) if stamps else None)
    return float(np.abs(model.forecast(period) - season).mean() / np.abs(season[-1] - season).mean())


@pytest.mark.parametrize("period", [5, 7, 12, 23, 24, 25, 50])
def test_without_time_stamps_the_season_is_as_many_steps_as_the_period_says(period: int) -> None:
    told = error_after_six_seasons(LSTMForecaster(horizon=period, period=period), period)
    misled = error_after_six_seasons(LSTMForecaster(horizon=period, period=period + 1), period)
    assert told < 0.15
    assert told < 0.5 * misled


@pytest.mark.parametrize(
    ("period", "stamps"), [(24, HOURS), (7, DAYS), (12, MONTHS)], ids=["of hours", "of days", "of months"]
)
def test_with_time_stamps_the_season_is_theirs_whatever_the_period(period: int, stamps: Sequence[object]) -> None:
    assert error_after_six_seasons(LSTMForecaster(horizon=period, period=5), period, stamps) < 0.15


def test_a_season_of_one_step_is_refused() -> None:
    with pytest.raises(ValueError, match="period=1 is no season"):
        LSTMForecaster(period=1)


# Time stamps

WAVE = np.sin(np.arange(60.0))


def test_the_only_time_stamp_need_not_be_named() -> None:
    known = at(HOURS[:60], place="here", count=3)
    named = learnt(LSTMForecaster(3, timestamp="at"), WAVE, known)
    assert learnt(LSTMForecaster(3), WAVE, known).forecast(3) == named.forecast(3)


def test_one_that_turns_up_later_beside_it_is_no_matter() -> None:
    known = [*at(HOURS[:10]), *at(HOURS[10:60], seen=START)]
    named = learnt(LSTMForecaster(3, timestamp="at"), WAVE, known)
    assert learnt(LSTMForecaster(3), WAVE, known).forecast(3) == named.forecast(3)


@pytest.mark.parametrize(
    "known", [at(MONTHS[:60], seen=START), [None, *at(MONTHS[:59])]], ids=["two", "none with the first value"]
)
def test_of_no_or_several_time_stamps_unnamed_there_is_none(known: Known) -> None:
    assert learnt(LSTMForecaster(3), WAVE, known).forecast(3) == learnt(LSTMForecaster(3), WAVE).forecast(3)


def test_a_time_stamp_is_the_same_in_any_zone_and_in_utc_without_one() -> None:
    zone = timezone(timedelta(hours=5))
    stamps = ([hour.replace(tzinfo=UTC).astimezone(zone) for hour in HOURS[:60]], HOURS[:60])
    elsewhere, here = (learnt(LSTMForecaster(3), WAVE, at(each)) for each in stamps)
    assert elsewhere.forecast(3) == here.forecast(3)


def test_each_value_is_the_next_step_whatever_its_time_stamp() -> None:
    stamps: list[object] = [*HOURS[:20], None, HOURS[3], HOURS[3], "soon", datetime.max, *HOURS[25:60]]
    model = learnt(LSTMForecaster(3), WAVE, at(stamps))
    assert model._bank.observations("y") == 60


# Covariates


def driven(kind: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A covariate, and values each of which follows from the covariate of the step before."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=400) if kind == "number" else generator.integers(0, 2, 400).astype(np.float64)
    y = np.concatenate([[0.0], 2.0 * x[:-1]]) + 0.3 * generator.normal(size=400)
    return x, y


def one_step_error(values: npt.NDArray[np.float64], known: Known, covariates: tuple[str, ...] = ("x",)) -> float:
    """Mean absolute one, after 150 values."""
    model, total = LSTMForecaster(horizon=2, covariates=covariates), 0.0
    for step, (x, value, following) in enumerate(zip(known, values[:-1], values[1:], strict=False)):
        model.learn_one(value, x)
        total += abs(model.forecast(1)[0] - following) if step >= 150 else 0.0
    return total / (len(values) - 151)


@pytest.mark.parametrize("kind", ["number", "flag"])
def test_a_covariate_that_drives_the_next_value_is_worth_knowing_even_when_it_comes_late(kind: str) -> None:
    x, y = driven(kind)
    known = [{"x": bool(value) if kind == "flag" else value} for value in x]
    without = one_step_error(y, known, ())
    assert one_step_error(y, known) < 0.4 * without
    assert one_step_error(y, [*[None] * 100, *known[100:]]) < 0.6 * without


@pytest.mark.parametrize("garbage", ["absent", "constant", "noise", "mostly no number"])
def test_a_covariate_that_tells_nothing_does_no_harm(garbage: str) -> None:
    _, y = driven("number")
    generator = np.random.default_rng(1)
    x: list[object] = {
        "absent": [None] * 400,
        "constant": [3.0] * 400,
        "noise": generator.standard_cauchy(400).tolist(),
        "mostly no number": [(*NO_NUMBERS, 1e30, -1e30)[i] for i in generator.integers(0, 10, 400)],
    }[garbage]
    assert one_step_error(y, [{"x": value} for value in x]) < 1.05 * one_step_error(y, [{}] * 400, ())


@pytest.mark.parametrize("nothing", [None, {}, {"other": 1.0}, *({"x": value} for value in NO_NUMBERS)], ids=repr)
def test_a_covariate_that_is_absent_or_no_number_is_not_known(nothing: Mapping[str, object] | None) -> None:
    model, values = LSTMForecaster(3, covariates=("x",)), np.sin(np.arange(60.0))
    known: list[Mapping[str, object] | None] = [{"x": step % 3} for step in range(60)]
    unknown = learnt(model.clone(), values, [*known[:20], *[{"x": math.nan}] * 20, *known[40:]])
    assert learnt(model, values, [*known[:20], *[nothing] * 20, *known[40:]]).forecast(3) == unknown.forecast(3)


def test_one_key_in_place_of_a_tuple_is_refused() -> None:
    with pytest.raises(TypeError, match=r"\('temperature',\)"):
        LSTMForecaster(covariates="temperature")  # type: ignore[arg-type]

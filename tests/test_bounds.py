"""Floors and caps: no forecast leaves them, and a value outside is told."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as few
from hypothesis import strategies as st

from lstm_stream import Bank, Bound, Hyperparameters
from lstm_stream.forecasts import Forecasts
from pipeline.bounds import bounds
from pipeline.fates import FORECAST, Fate, Fates
from pipeline.losses import Watch
from pipeline.settings import Events, SettingsError, load
from pipeline.shard import Shard
from tests.shard_logs import event

HOUR = 3_600_000_000
VALUES = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 50.0, 100.0, -5.0, 1e12])


def show(values: list[float], rule: Bound | None, name: str = "a") -> tuple[Bank, Forecasts]:
    """A bank of one series, and its forecasts."""
    bank = Bank(Hyperparameters(horizon=4, hidden_size=4, window=4, bounds=(rule,) if rule else ()))
    return bank, bank.observe([name] * len(values), np.arange(len(values)) * HOUR, np.asarray(values))


def ends(forecasts: Forecasts) -> tuple[float, float]:
    """The least and the largest of what is told."""
    return float(forecasts.quantiles.min()), float(forecasts.quantiles.max())


@few(max_examples=25, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=60), st.floats(-100, 100), st.floats(0.1, 200))
def test_no_mean_and_no_quantile_leaves_its_bounds(values: list[float], floor: float, width: float) -> None:
    cap = floor + width
    bank, forecasts = show(values, Bound(pattern="*", floor=floor, cap=cap))
    for told in (forecasts, bank.forecast(["a"])):
        every = np.concatenate([told.mean.ravel(), told.quantiles.ravel()])
        assert every.min() >= floor
        assert every.max() <= cap
        assert (np.diff(told.quantiles, axis=2) >= 0).all()
    assert forecasts.outside.tolist() == [value < floor or value > cap for value in values]


@few(max_examples=25, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=60))
def test_bounds_change_nothing_but_what_lies_beyond_them(values: list[float]) -> None:
    _, free = show(values, None)
    _, bound = show(values, Bound(pattern="*", floor=-10.0, cap=90.0))
    assert bound.mean.tolist() == np.clip(free.mean, -10.0, 90.0).tolist()
    assert bound.quantiles.tolist() == np.clip(free.quantiles, -10.0, 90.0).tolist()


def test_the_first_rule_that_matches_a_name_holds() -> None:
    rules = (Bound(pattern="*.percent", floor=0.0, cap=100.0), Bound(pattern="*", floor=60.0))
    bank = Bank(Hyperparameters(horizon=2, bounds=rules))
    forecasts = bank.observe(["x.percent", "other"], np.zeros(2, np.int64), np.asarray([50.0, 50.0]))
    assert forecasts.mean[:, 0].tolist() == [50.0, 60.0]
    assert forecasts.outside.tolist() == [False, True]


def test_counts_are_recognised_and_a_negative_value_ends_that() -> None:
    counts = np.random.default_rng(0).poisson(0.7, 300).astype(float).tolist()
    _, free = show(counts, None)
    assert ends(free)[0] < 0
    bank, forecasts = show(counts, Bound(pattern="*", recognise=True))
    assert forecasts.quantiles[8:].min() == 0
    bank.observe(["a"], np.asarray([300 * HOUR]), np.asarray([-9.0]))
    assert bank.forecast(["a"]).quantiles.min() < 0


def test_percentages_are_recognised_by_their_ends() -> None:
    draw = np.random.default_rng(1)
    shares = np.clip(draw.normal(90, 15, 300), 0, 100)
    _, free = show(shares.tolist(), None)
    assert ends(free)[1] > 100
    _, forecasts = show(shares.tolist(), Bound(pattern="*", recognise=True))
    assert forecasts.quantiles[100:].max() == 100
    _, elsewhere = show((shares - 0.5).tolist(), Bound(pattern="*", recognise=True))
    assert ends(elsewhere)[1] > 100


def test_a_split_log_and_a_dump_change_no_bound() -> None:
    values = np.random.default_rng(2).poisson(1.0, 80).astype(float)
    rule = Bound(pattern="*", recognise=True)
    _, whole = show(values.tolist(), rule)
    bank, _ = show(values[:30].tolist(), rule)
    loaded = Bank.load(*bank.dump())
    rest = loaded.observe(["a"] * 50, np.arange(30, 80) * HOUR, values[30:])
    assert rest.quantiles.tolist() == whole.quantiles[30:].tolist()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("*.percent = 0..100", Bound(pattern="*.percent", floor=0.0, cap=100.0)),
        ("a=b = -1.5..", Bound(pattern="a=b", floor=-1.5)),
        ("*=..1e3", Bound(pattern="*", cap=1000.0)),
        ("* = recognise", Bound(pattern="*", recognise=True)),
    ],
)
def test_bounds_are_read(text: str, told: Bound) -> None:
    assert bounds([text]) == (told,)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("0..100", "names no pattern"),
        ("* = ..", "neither a floor nor a cap"),
        ("* = counts", "neither a floor nor a cap"),
        ("* = 5..1", "turn them round"),
        ("* = 0..many", "many is no number"),
        ("* = nan..", "beyond 1e30"),
    ],
)
def test_a_bound_of_another_form_is_refused_with_the_fix(text: str, fix: str) -> None:
    with pytest.raises(SettingsError, match=fix) as refused:
        load(None, {}, [f'model.bounds=["{text}"]'])
    assert "model.bounds" in str(refused.value)


def test_the_first_value_outside_is_told_once_and_all_are_counted() -> None:
    chosen = load(None, {}, ['model.bounds=["* = 0..2"]', "model.horizon=3", "events.timestamp_format=s"])
    fold = Shard.fresh("events", 0, 0, chosen).fold(
        [event(n, "a", 1e9 + 3600.0 * n, float(n)) for n in range(5)], "every"
    )
    assert fold.counts.out_of_bounds == 2
    watch = Watch(Events())
    lines = [line for level, line in watch.note(fold.fates) if level == logging.WARNING]
    assert [line for line in lines if "outside the bounds" in line and "is 3;" in line]
    assert watch.note(Fates((Fate(9, FORECAST, outside=7.0),))) == []

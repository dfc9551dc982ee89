"""The laws of the bank: any split, any stop, and no look into the future."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Bank, Expert, ExpertForecasts, Forecasts, Hyperparameters, Outcome
from lstm_stream.learner import interval
from lstm_stream.state import State
from tests.observation_log import MINUTE, Log, as_bytes, observed

SMALL = Hyperparameters(
    horizon=4, hidden_size=8, window=8, windows=4, replay=16, memory=256, max_gap=6, restart_after=5
)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 250), max_size=12))
def test_any_split_of_a_log_gives_the_same_bytes(seed: int, cuts: list[int]) -> None:
    log = Log(seed, 250)
    assert observed(Bank(SMALL), log, cuts) == observed(Bank(SMALL), log, [])


def test_how_many_series_are_still_to_come_changes_nothing() -> None:
    log = Log(2, 500, series=400)
    assert observed(Bank(SMALL), log, list(range(0, 500, 7))) == observed(Bank(SMALL), log, [])


def test_a_log_given_one_by_one_gives_the_same_bytes_with_the_default_sizes() -> None:
    log = Log(1, 300)
    assert observed(Bank(), log, list(range(300))) == observed(Bank(), log, [])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), stop=st.integers(0, 300))
def test_a_bank_dumped_and_loaded_in_mid_stream_goes_on_as_if_nothing_had_been(seed: int, stop: int) -> None:
    log = Log(seed, 300)
    whole = observed(Bank(SMALL), log, [])
    bank = Bank(SMALL)
    before = as_bytes(bank.observe(*log.part(0, stop)))
    after = as_bytes(Bank.load(*bank.dump()).observe(*log.part(stop, 300)))
    assert before + after == whole


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), k=st.integers(1, 299))
def test_nothing_behind_an_observation_changes_its_forecast(seed: int, k: int) -> None:
    log, other = Log(seed, 300), Log(seed, 300)
    other.values[k:] = other.values[k:] * -3 + 100
    other.times[k:] += 7 * MINUTE
    other.series[k:] = other.series[k:][::-1]
    assert observed(Bank(SMALL), log, [])[:k] == observed(Bank(SMALL), other, [])[:k]


def test_a_question_changes_nothing() -> None:
    log = Log(3, 300)
    asked, unasked = Bank(SMALL), Bank(SMALL)
    for begin in range(0, 300, 50):
        first, second = (bank.observe(*log.part(begin, begin + 50)) for bank in (asked, unasked))
        assert as_bytes(first) == as_bytes(second)
        names = sorted(asked.names)
        assert as_bytes(asked.forecast(names)) == as_bytes(asked.forecast(names))
        asked.diagnostics.recent(names[0], 10)
        asked.diagnostics.errors()
        asked.diagnostics.gates()
        asked.dump()


def test_the_newest_forecast_can_be_asked_for_again() -> None:
    bank = Bank(SMALL)
    given_out = bank.observe(["a"] * 30, np.arange(30) * MINUTE, np.sin(np.arange(30.0)))
    again = bank.forecast(["a"])
    assert np.array_equal(again.mean[0], given_out.mean[-1])
    assert np.array_equal(again.quantiles[0], given_out.quantiles[-1])


def test_a_cold_bank_forecasts_the_last_value() -> None:
    forecasts = Bank(SMALL).observe(["a", "b"], np.array([0, 0]), np.array([3.5, -1e9]))
    assert forecasts.mean.tolist() == [[3.5] * 4, [-1e9] * 4]


def hourly(values: npt.NDArray[np.float64], rules: Hyperparameters) -> tuple[Bank, Forecasts]:
    bank = Bank(rules)
    count = len(values)
    return bank, bank.observe(["a"] * count, np.arange(count) * 60 * MINUTE, values)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda y: np.where(np.arange(len(y)) == 3, 1e12, y), id="an early outlier"),
        pytest.param(lambda y: np.where(np.arange(len(y)) == 400, 1e12, y), id="a late outlier"),
        pytest.param(lambda y: np.where(np.arange(len(y)) > 400, -y, y), id="a sign flip"),
        pytest.param(lambda y: np.where(np.arange(len(y)) > 400, 1000 * y, y), id="a step of x1000"),
        pytest.param(lambda y: np.where(np.arange(len(y)) % 7 == 0, np.nan, y), id="missing values"),
        pytest.param(lambda y: 0 * y, id="zeros"),
        pytest.param(lambda y: 0 * y + 1e30, id="a constant as large as allowed"),
    ],
)
def test_no_value_poisons_the_model(spoil: "object") -> None:
    assert callable(spoil)
    clean = 10 + np.sin(np.arange(900) * 2 * np.pi / 24)
    bank, forecasts = hourly(spoil(clean), Hyperparameters(horizon=4, hidden_size=16))
    told = forecasts.outcome == Outcome.FORECAST
    assert all(np.isfinite(column[told]).all() for column in (forecasts.mean, forecasts.quantiles, forecasts.scale))
    truth = spoil(clean)[701:]
    error = np.nanmean(np.abs(forecasts.mean[700:-1, 0] - truth))
    assert error <= 1.5 * np.nanmean(np.abs(np.diff(truth, prepend=truth[0]))) + 1e-6 * np.nanmax(np.abs(truth))
    assert bank.diagnostics.skipped == 0


def test_the_model_learns_a_season() -> None:
    generator = np.random.default_rng(0)
    truth = np.sin(np.arange(1500) * 2 * np.pi / 24)
    _, forecasts = hourly(truth + generator.normal(size=1500) / 10, Hyperparameters(horizon=12))
    origins = np.arange(1200, 1480)
    for ahead in (1, 6, 12):
        errors = np.abs(forecasts.mean[origins, ahead - 1] - truth[origins + ahead])
        naive = np.abs(truth[origins] - truth[origins + ahead])
        assert errors.mean() < 0.5 * naive.mean()


def test_the_interval_covers_what_it_says() -> None:
    generator = np.random.default_rng(0)
    values = np.cumsum(generator.standard_t(3, 2500))
    _, forecasts = hourly(values, Hyperparameters(horizon=6, hidden_size=16))
    origins = np.arange(500, 2490)
    for ahead in (1, 3, 6):
        low, high = forecasts.quantiles[origins, ahead - 1, 0], forecasts.quantiles[origins, ahead - 1, 2]
        covered = np.mean((low <= values[origins + ahead]) & (values[origins + ahead] <= high))
        assert 0.88 < covered < 0.92


def test_quantiles_are_in_order() -> None:
    log = Log(5, 400)
    forecasts = Bank(SMALL).observe(*log.part(0, 400))
    assert (np.diff(forecasts.quantiles, axis=2) >= 0).all()


def test_surprise_is_null_while_warming_and_near_one_for_a_spike() -> None:
    values = np.sin(np.arange(300) / 4) + np.random.default_rng(0).normal(size=300) / 10
    values[250] += 50
    _, forecasts = hourly(values, SMALL)
    assert np.isnan(forecasts.surprise[:WARM_STEPS]).all()
    assert forecasts.warming[:WARM_STEPS].all()
    assert forecasts.surprise[250] > 0.9999
    assert not forecasts.warming[-1]


WARM_STEPS = 64


def test_a_gap_is_filled_and_publishes_nothing() -> None:
    times = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14]) * MINUTE
    bank = Bank(SMALL)
    forecasts = bank.observe(["a"] * 12, times, np.arange(12.0))
    assert (forecasts.outcome == Outcome.FORECAST).all()
    times_kept, values = bank.diagnostics.recent("a", 100)
    assert len(values) == 15
    assert times_kept.tolist() == (np.arange(15) * MINUTE).tolist()


def test_past_the_longest_gap_a_series_starts_again() -> None:
    later = 10 + SMALL.max_gap + 1
    times = np.array([*range(10), later, later + 1]) * MINUTE
    bank = Bank(SMALL)
    forecasts = bank.observe(["a"] * 12, times, np.arange(12.0))
    assert forecasts.outcome.tolist() == [Outcome.FORECAST] * 10 + [Outcome.JUMP, Outcome.FORECAST]
    assert forecasts.origin[10] == times[9]
    assert len(bank.diagnostics.recent("a", 100)[1]) == 1


def test_a_long_gap_does_not_silence_surprise() -> None:
    rows = np.arange(400)
    values = np.random.default_rng(0).normal(size=400)
    values[230] += 100.0
    times = (rows + np.where(rows < 200, 0, 10 * SMALL.max_gap)) * MINUTE
    forecasts = Bank(SMALL).observe(["a"] * 400, times, values)
    assert forecasts.outcome[200] == Outcome.JUMP
    assert forecasts.restart[201]
    assert forecasts.warming[201:260].all()
    assert not np.isnan(forecasts.surprise[202:]).any()
    assert forecasts.surprise[230] > 0.999
    assert (np.delete(forecasts.surprise, 230)[202:] > 0.99).mean() < 0.03


def test_after_many_late_ones_in_a_row_a_series_starts_again() -> None:
    bank = Bank(SMALL)
    bank.observe(["a"], np.array([1000 * MINUTE]), np.array([1.0]))
    outcome = bank.observe(["a"] * 7, np.arange(7) * MINUTE, np.arange(7.0)).outcome
    assert outcome.tolist() == [Outcome.LATE] * 4 + [Outcome.FORECAST] * 3


def test_a_missing_value_before_the_first_one_is_unknown_and_changes_nothing() -> None:
    bank = Bank(SMALL)
    outcome = bank.observe(["a"] * 3, np.arange(3) * MINUTE, np.array([math.nan, 2.0, math.nan])).outcome
    assert outcome.tolist() == [Outcome.UNKNOWN, Outcome.FORECAST, Outcome.FORECAST]


def test_the_more_series_and_steps_the_longer_from_one_learning_step_to_the_next() -> None:
    assert [interval(1, steps) for steps in (0, 3_000, 20_000, 10**6)] == [16, 16, 80, 100]
    assert [interval(series, 0) for series in (1, 50, 1_000, 10**5)] == [16, 50, 768, 768]
    assert [interval(series, 10**8) for series in (1, 50, 1_000, 10**5)] == [100, 100, 1_000, 1_024]


def test_the_state_of_a_series_is_small() -> None:
    bank = Bank()
    bank.observe(["a"], np.array([0]), np.array([1.0]))
    kept = sum(array.nbytes for name, array in bank.dump()[1].items() if name.split(".")[0] in PARTS_OF_A_SERIES)
    assert 20 * 1024 < kept <= 30 * 1024


PARTS_OF_A_SERIES = {*State._fields, "grid", "membership", "covariates", "bounds"}


def of_a_family(generator: np.random.Generator, length: int) -> npt.NDArray[np.float64]:
    """A daily shape that all share, at its own level, scale and phase."""
    day = (np.arange(length) + generator.integers(24)) * 2 * np.pi / 24
    shape = np.sin(day) + 0.6 * np.sin(2 * day + 1) + np.exp(np.cos(day - 2))
    scale = 10 ** generator.uniform(-2, 2)
    return np.asarray(scale * (shape + generator.normal(size=length) / 5 + generator.uniform(-20, 20)))


def test_a_series_that_joins_its_like_profits_from_them() -> None:
    generator = np.random.default_rng(0)
    family = np.stack([of_a_family(generator, 400) for _ in range(40)], 1)
    names = [f"s{i}" for i in range(40)]
    bank = Bank()
    for t in range(300):
        bank.observe(names, np.full(40, t * 60 * MINUTE), family[t])
    young: list[float] = []
    alone: list[float] = []
    naive: list[float] = []
    for _ in range(4):
        values = of_a_family(generator, 124)
        times = (300 + np.arange(100)) * 60 * MINUTE
        ahead = np.arange(100)[:, None] + np.arange(1, 25)
        for errors, mean in (
            (young, bank.observe([f"new{len(young)}"] * 100, times, values[:100]).mean),
            (alone, Bank().observe(["new"] * 100, times, values[:100]).mean),
            (naive, np.repeat(values[:100, None], 24, 1)),
        ):
            errors.append(((mean - values[ahead]) ** 2).mean() / values.var())
    assert np.mean(young) < 0.8 * min(np.mean(alone), np.mean(naive))


def told(values: npt.NDArray[np.float64], horizon: int = 4) -> Forecasts:
    """Forecasts of one hourly series."""
    bank = Bank(Hyperparameters(horizon=horizon, step="event", effort=0.2))
    return bank.observe(["a"] * len(values), np.arange(len(values)) * 60 * MINUTE, values)


def day(length: int) -> npt.NDArray[np.float64]:
    return np.sin(np.arange(length) * np.pi / 12) + np.random.default_rng(0).normal(size=length) / 20


@pytest.mark.parametrize("absurd", [1e12, -1e12, 1e5])
def test_an_absurd_value_is_as_one_that_is_missing_but_surprising(absurd: float) -> None:
    values, missing = day(400), day(400)
    values[300], missing[300] = absurd, np.nan
    spoilt, whole = told(values), told(missing)
    assert spoilt.surprise[300] == 1.0
    assert (spoilt.mean == whole.mean).all()
    assert (spoilt.quantiles == whole.quantiles).all()


def test_a_series_that_has_become_a_thousand_times_as_large_is_believed_at_the_third_value() -> None:
    values = day(400) + 5
    values[300:] *= 1000
    mean = told(values).mean[:, 0]
    assert (np.abs(mean[300:302]) < 20).all()
    assert (np.abs(mean[302:] - values[302:]) < 3000).all()


def test_a_constant_series_that_moves_is_believed_at_once() -> None:
    values = np.full(400, 5.0)
    values[300:] = 6.0
    assert told(values).mean[300:, 0] == pytest.approx(np.full(100, 6.0), abs=0.6)


def test_a_series_of_rare_values_is_learnt_from() -> None:
    values = np.zeros(600)
    values[np.arange(50, 600, 50)] = 5.0
    forecasts = told(values)
    assert np.isfinite(forecasts.mean).all()
    assert (np.abs(forecasts.mean[500:, 0]) < 5).all()


def test_a_memory_too_short_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="let memory be at least 72"):
        Bank(Hyperparameters(memory=60))


def test_a_series_that_jumps_and_stands_nearly_still_does_not_spoil_what_all_share() -> None:
    length, jump = 900, 400
    calm, jumping = day(length), day(length)
    jumping[jump:] = 30 + 1e-6 * jumping[jump:]
    bank = Bank(Hyperparameters(horizon=4, step="event", effort=0.2))
    names, times = ["calm", "jumping"] * length, np.repeat(np.arange(length), 2) * 60 * MINUTE
    experts = len(Expert)
    by_expert = ExpertForecasts.zeros(2 * length, experts, 4)
    bank.observe(names, times, np.stack([calm, jumping], 1).ravel(), by_expert=by_expert)
    off = np.abs(by_expert.mean[:-2:2, :, 0] - calm[1:, None])
    for expert in (Expert.SHARED_ON_LAGS, Expert.READOUT_ON_HIDDEN):
        assert off[jump + 50 :, expert].mean() < 2 * off[jump - 200 : jump, expert].mean()

"""A step that raises restarts its own series, and nobody else notices; exceptions are planted to see it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Fault, Hyperparameters, Outcome
from tests.odd_series import Log
from tests.totality import as_bytes

HOUR = 3_600_000_000
POISON = 666.0
SERIES, ROWS = 8, 40
RULES = Hyperparameters(horizon=3, hidden_size=8, window=8, windows=4, replay=16, memory=64, step=3600.0)
PLACES = (
    ("_memory", "rescale"),
    ("_memory", "inputs"),
    ("_intervals", "score"),
    ("_intervals", "open"),
    ("_intervals", "quantiles"),
    ("_smoothers", "follow"),
    ("_past", "carry"),
    ("_readouts", "step"),
    ("_mixture", "put"),
    ("_sight", "look"),
)

Planting = Callable[[Bank], Bank]


def log(*poisoned: tuple[int, int], together: bool = False) -> Log:
    """Series in step with each other; some values, by row and series, make what is planted raise."""
    row, member = np.divmod(np.arange(SERIES * ROWS), SERIES)
    values = 10 + np.sin(row / 3 + member) + np.random.default_rng(0).normal(size=len(row)) / 10
    for where in poisoned:
        values[where[0] * SERIES + where[1]] = POISON
    events = row if together else np.arange(len(row))
    return Log([f"s{i}" for i in member.tolist()], row * HOUR, values, events, np.zeros((len(row), 0)))


def planted(monkeypatch: pytest.MonkeyPatch, part: str, name: str) -> Planting:
    """Let a part of a bank raise while the newest value of one of its rows is the poison."""

    def plant(bank: Bank) -> Bank:
        owner = getattr(bank, part)
        original = getattr(owner, name)

        def spoilt(rows: npt.NDArray[np.int64], *rest: Any, **named: Any) -> object:
            if (bank._memory.latest[rows] == POISON).any() and (bank._memory.age[rows] > 0).all():
                raise IndexError("planted")
            return original(rows, *rest, **named)

        monkeypatch.setattr(owner, name, spoilt)
        return bank

    return plant


def shown(
    bank: Bank, told: Log, cuts: tuple[int, ...] = (), again: Planting | None = None
) -> tuple[Bank, list[bytes], list[Fault]]:
    """All forecasts of a log as bytes, and what went wrong; `again` plants anew in a bank dumped and loaded at cuts."""
    rows: list[bytes] = []
    faults: list[Fault] = []
    edges = [0, *cuts, len(told.series)]
    for begin, end in pairwise(edges):
        bank = again(Bank.load(*bank.dump())) if again and begin else bank
        part = told.part(begin, end)
        forecasts = bank.observe(part.series, part.times, part.values, events=part.events)
        assert np.isfinite(forecasts.mean).all()
        assert np.isfinite(forecasts.quantiles).all()
        assert (forecasts.outcome == Outcome.FORECAST).all()
        rows += as_bytes(forecasts)
        faults += [fault._replace(source=fault.source + begin) for fault in bank.faults]
    return bank, rows, faults


def named(faults: list[Fault]) -> list[tuple[str | None, int, str]]:
    return [(fault.series, fault.source, fault.stage) for fault in faults]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("together", [False, True], ids=["alone", "group"])
def test_a_step_that_raises_restarts_its_series_in_any_split(
    monkeypatch: pytest.MonkeyPatch, place: tuple[str, str], together: bool
) -> None:
    rules = Hyperparameters(**{**vars(RULES), "groups": together})
    plant, told = planted(monkeypatch, *place), log((20, 3), (30, 0), (30, 7), together=together)
    expected = [("s3", 163, "step"), ("s0", 240, "step"), ("s7", 247, "step")]
    whole = shown(plant(Bank(rules)), told)
    assert sorted(named(whole[2])) == sorted(expected)
    assert all("planted" in fault.trace for fault in whole[2])
    parts = shown(plant(Bank(rules)), told, tuple(range(SERIES, SERIES * ROWS, SERIES)))
    assert parts[1] == whole[1]
    assert sorted(named(parts[2])) == sorted(expected)
    restored = shown(plant(Bank(rules)), told, (160, 168, 244 - 244 % SERIES), plant)
    assert restored[1] == whole[1]


def test_it_makes_no_difference_whether_a_series_came_alone_or_in_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    plant, told = planted(monkeypatch, "_intervals", "score"), log((20, 3), (30, 0), (30, 7))
    whole, one_by_one = (shown(plant(Bank(RULES)), told, cuts) for cuts in ((), tuple(range(1, SERIES * ROWS))))
    assert whole[1] == one_by_one[1]


def test_the_others_never_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Hyperparameters(**{**vars(RULES), "effort": 0.0})  # what all share stays as it was until the next fold
    plant, told = planted(monkeypatch, "_mixture", "put"), log((21, 3))
    spoilt, whole = shown(plant(Bank(rules)), told), shown(Bank(rules), told)
    fold = 22 * SERIES
    others = [i for i in range(fold) if i != 21 * SERIES + 3]
    assert [spoilt[1][i] for i in others] == [whole[1][i] for i in others]


def test_a_series_starts_anew_from_the_value_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = planted(monkeypatch, "_intervals", "score")(Bank(RULES))
    told, at = log((25, 3)).part(0, 26 * SERIES), 25 * SERIES + 3
    forecasts = bank.observe(told.series, told.times, told.values)
    assert forecasts.mean[at].tolist() == [POISON] * 3
    assert forecasts.quantiles[at].tolist() == [[POISON] * 3] * 3
    assert forecasts.warming[at]
    assert bank.forecast(["s3"]).mean.tolist() == [[POISON] * 3]
    bank.observe(["s3", "s3"], np.array([26, 27]) * HOUR, np.array([10.0, 11.0]))
    assert bank.faults == []
    assert bank.observations("s3") == 2


def test_the_first_step_of_a_series_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    bank, _, faults = shown(planted(monkeypatch, "_sight", "look")(Bank(RULES)), log((0, 0), (0, 5), (1, 5)))
    assert named(faults) == [("s0", 0, "step"), ("s5", 5, "step"), ("s5", 13, "step")]
    assert bank.observations("s0") == ROWS - 1


def test_a_result_that_is_not_finite_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = Bank(RULES)
    original = bank._intervals.open

    def spoilt(rows: npt.NDArray[np.int64], *rest: Any) -> None:
        original(rows, *rest)
        bank._intervals.newest[rows[bank._memory.latest[rows] == POISON]] = np.nan

    monkeypatch.setattr(bank._intervals, "open", spoilt)
    _, _, faults = shown(bank, log((20, 3)))
    assert named(faults) == [("s3", 163, "step")]
    assert "moves of a step is not finite" in faults[0].trace


def test_a_group_that_fails_as_a_whole_starts_anew_with_its_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = Bank(Hyperparameters(**{**vars(RULES), "groups": True}))
    original = bank._sight.look

    def spoilt(rows: npt.NDArray[np.int64], *rest: Any) -> object:
        if len(rows) > 1 and (bank._memory.latest[rows] == POISON).any():
            raise np.linalg.LinAlgError("planted")
        return original(rows, *rest)

    monkeypatch.setattr(bank._sight, "look", spoilt)
    bank, _, faults = shown(bank, log((20, 3), together=True))
    assert {(fault.series, fault.stage) for fault in faults} == {(f"s{i}", "group") for i in range(SERIES)}
    assert int(bank._sight.groups.learnt[0]) == ROWS - 21


def test_the_placing_of_an_observation_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def plant(bank: Bank) -> Bank:
        original = bank._grid.place

        def spoilt(rows: npt.NDArray[np.int64], times: npt.NDArray[np.int64], *rest: Any) -> object:
            if ((rows == 3) & (times == 20 * HOUR)).any():
                raise ValueError("planted")
            return original(rows, times, *rest)

        monkeypatch.setattr(bank._grid, "place", spoilt)
        return bank

    whole = shown(plant(Bank(RULES)), log())
    assert named(whole[2]) == [("s3", 163, "place")]
    assert whole[0].observations("s3") == ROWS - 20
    assert shown(plant(Bank(RULES)), log(), tuple(range(5, 320, 5)), plant)[1] == whole[1]


@pytest.mark.parametrize(
    ("part", "name", "stage"),
    [
        ("_learner", "learn", "learning"),
        ("_pool", "fold", "pool"),
        ("_pool", "_solve", "pool"),
        ("_drift", "fold", "drift"),
        ("_kin", "learn", "kin"),
    ],
)
def test_what_all_share_may_fail_and_is_left_out(
    monkeypatch: pytest.MonkeyPatch, part: str, name: str, stage: str
) -> None:
    def plant(bank: Bank) -> Bank:
        owner = getattr(bank, part)
        original = getattr(owner, name)

        def spoilt(*given: Any) -> object:
            if 100 < bank._steps < 200:
                raise RuntimeError("planted")
            return original(*given)

        monkeypatch.setattr(owner, name, spoilt)
        return bank

    whole = shown(plant(Bank(RULES)), log())
    assert {(fault.series, fault.stage) for fault in whole[2]} == {(None, stage)}
    assert len(whole[2]) > 1
    assert whole[0].skipped == (len(whole[2]) if stage == "learning" else 0)
    assert shown(plant(Bank(RULES)), log(), tuple(range(7, 320, 7)), plant)[1] == whole[1]


def test_there_are_no_faults_without_a_defect() -> None:
    assert shown(Bank(RULES), log((20, 3)))[2] == []

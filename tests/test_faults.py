"""A step that comes to something not finite restarts its own series, and nobody else notices; faults are planted."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lstm_stream import Bank, Fault, Hyperparameters, Outcome
from tests.odd_series import Log
from tests.totality import as_bytes

HOUR = 3_600_000_000
POISON = 666.0
SERIES, ROWS = 8, 40
RULES = Hyperparameters(horizon=3, hidden_size=8, window=8, windows=4, replay=16, memory=64, step=3600.0)
Planting = Callable[[Bank], Bank]


def log(*poisoned: tuple[int, int], together: bool = False) -> Log:
    """Series in step with each other; some values, by row and series, make what is planted raise."""
    row, member = np.divmod(np.arange(SERIES * ROWS), SERIES)
    values = 10 + np.sin(row / 3 + member) + np.random.default_rng(0).normal(size=len(row)) / 10
    for where in poisoned:
        values[where[0] * SERIES + where[1]] = POISON
    events = row if together else np.arange(len(row))
    return Log([f"s{i}" for i in member.tolist()], row * HOUR, values, events, np.zeros((len(row), 0)))


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


SPOILT = (
    ("scale", "level"),
    ("scale", "spread"),
    ("history", "ring"),
    ("intervals", "newest"),
    ("intervals", "centre"),
    ("moves", "usual"),
    ("trace", "hidden"),
    ("trace", "cell"),
    ("readouts", "weights"),
    ("autoregressions", "weights"),
)


def spoilt(part: str, column: str, together: bool = False, effort: float = 1.0) -> tuple[Bank, Log]:
    """A bank after 20 rows of a log, one of whose series has come to NaN in a column of its state; and the rest."""
    bank, told = Bank(Hyperparameters(**{**vars(RULES), "groups": together, "effort": effort})), log(together=together)
    before = told.part(0, 20 * SERIES)
    bank.observe(before.series, before.times, before.values, events=before.events)
    getattr(getattr(bank._rows.state, part), column)[3] = np.nan
    return bank, told.part(20 * SERIES, ROWS * SERIES)


@pytest.mark.parametrize("place", SPOILT)
@pytest.mark.parametrize("together", [False, True], ids=["alone", "group"])
def test_a_series_that_has_come_to_something_not_finite_starts_anew_in_any_split(
    place: tuple[str, str], together: bool
) -> None:
    bank, rest = spoilt(*place, together)
    other, _ = spoilt(*place, together)
    _, whole, faults = shown(bank, rest)
    assert {(fault.series, fault.stage) for fault in faults} <= {("s3", "step")}
    assert len(faults) <= 1  # a level may be taken anew of what is kept
    assert shown(other, rest, tuple(range(SERIES, SERIES * (ROWS - 20), SERIES)))[1] == whole


def test_the_others_never_notice() -> None:
    bank, rest = spoilt("trace", "cell", effort=0.0)  # what all share stays as it was until the next fold
    whole, _ = spoilt("trace", "cell", effort=0.0)
    whole._rows.state.trace.cell[3] = 0.0
    until = SERIES * 2
    one, other = (shown(each, rest.part(0, until))[1] for each in (bank, whole))
    assert [i for i in range(until) if one[i] != other[i]] == [3, 3 + SERIES]


def test_a_series_starts_anew_from_the_value_at_fault() -> None:
    bank, rest = spoilt("trace", "hidden")
    rest.values[3] = POISON
    _, _, faults = shown(bank, rest.part(0, SERIES))
    assert named(faults) == [("s3", 3, "step")]
    told = bank.forecast(["s3"])
    assert told.mean.tolist() == [[POISON] * 3]
    assert told.quantiles.tolist() == [[[POISON] * 3] * 3]
    assert told.warming.all()
    bank.observe(["s3", "s3"], np.array([26, 27]) * HOUR, np.array([10.0, 11.0]))
    assert bank.faults == []


@pytest.mark.parametrize(
    ("part", "name", "stage"),
    [
        ("learner", "learn", "learning"),
        ("pooled", "fold", "pooled"),
        ("pooled", "_solve", "pooled"),
        ("drift", "fold", "drift"),
        ("priors", "learn", "priors"),
    ],
)
def test_what_all_share_may_fail_and_is_left_out(
    monkeypatch: pytest.MonkeyPatch, part: str, name: str, stage: str
) -> None:
    def plant(bank: Bank) -> Bank:
        owner = getattr(bank._learning, part)
        original = getattr(owner, name)

        def spoilt(*given: Any) -> object:
            if 100 < bank._learning.steps < 200:
                raise RuntimeError("planted")
            return original(*given)

        monkeypatch.setattr(owner, name, spoilt)
        return bank

    whole = shown(plant(Bank(RULES)), log())
    assert {(fault.series, fault.stage) for fault in whole[2]} == {(None, stage)}
    assert len(whole[2]) > 1
    assert whole[0].diagnostics.skipped == (len(whole[2]) if stage == "learning" else 0)
    assert shown(plant(Bank(RULES)), log(), tuple(range(7, 320, 7)), plant)[1] == whole[1]


def test_there_are_no_faults_without_a_defect() -> None:
    assert shown(Bank(RULES), log((20, 3)))[2] == []

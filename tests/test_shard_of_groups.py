"""Laws of a shard whose events hold several values and covariates."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Bank, Forecasts, Hyperparameters
from pipeline.fingerprints import FingerprintError
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Record
from pipeline.settings import Events, Settings
from pipeline.shard import Shard
from tests.shard_logs import SETTINGS, folded, log, one_of

GROUPS = Settings(
    model=SETTINGS.model,
    events=Events(timestamp_format="s", values=("temp", "rpm", "load"), covariates=("holiday", "weather.wind")),
)

COVARIATES = (0, 1, -3.5, "2.5", True, False)

GARBAGE = (None, "windy", math.nan, math.inf, 1e31, 10**400, [1], {"a": 1})


def machine(offset: int, name: str, time: float, holiday: object, **values: object) -> Record:
    """An event of several values; a covariate that is ... is left out."""
    fields = {"series": name, "timestamp": time, "holiday": holiday, "weather": {"wind": time % 7}} | values
    body = json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()
    return Record("events", 0, offset, -1, None, body)


def log_of_groups(seed: int, garbage: tuple[object, ...] = GARBAGE, length: int = 150) -> list[Record]:
    """Events of machines, some with bad, null or missing values, some late; a third of their covariates are garbage."""
    generator = np.random.default_rng(seed)
    clock = np.cumsum(generator.integers(0, 3, length)) - 40 * (generator.random(length) < 0.05)
    masked = generator.random(length) < 1 / 3
    return [
        machine(
            offset,
            f"m{generator.integers(3)}",
            3600.0 * (100 + int(clock[offset])),
            one_of(generator, garbage if masked[offset] else COVARIATES),
            temp=float(generator.normal()),
            rpm=one_of(generator, (5.0, 6, None, "x", math.nan)),
            load=one_of(generator, (1, 2.5, 3, 4)),
        )
        for offset in range(length)
    ]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 150), max_size=8))
def test_any_split_of_a_log_of_groups_gives_the_same_bytes(seed: int, cuts: list[int]) -> None:
    records = log_of_groups(seed)
    whole, parts = (folded(Shard.fresh("events", 0, 0, GROUPS), records, where) for where in ([], cuts))
    assert sorted(map(str, parts)) == sorted(map(str, whole))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), stop=st.integers(0, 150))
def test_a_shard_of_groups_at_rest_goes_on_as_if_nothing_had_been(seed: int, stop: int) -> None:
    records = log_of_groups(seed)
    first, uninterrupted = (Shard.fresh("events", 0, 0, GROUPS) for _ in range(2))
    assert folded(first, records[:stop], []) == folded(uninterrupted, records[:stop], [])
    second = Shard.load("events", 0, *first.dump(), GROUPS)
    assert folded(second, records[stop:], []) == folded(uninterrupted, records[stop:], [])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_a_covariate_that_is_garbage_is_as_one_that_is_absent(seed: int) -> None:
    rubbish, absent = (
        Shard.fresh("events", 0, 0, GROUPS).fold(log_of_groups(seed, kind), "every") for kind in (GARBAGE, (...,))
    )
    assert (rubbish.forecasts, rubbish.counts) == (absent.forecasts, absent.counts)
    assert rubbish.counts.masked_covariates > 0


class Spy(Bank):
    """Notes what it is told beside the values."""

    def __init__(self, rules: Hyperparameters) -> None:
        super().__init__(rules)
        self.told: list[tuple[Any, Any]] = []

    def observe(self, *args: Any, **kwargs: Any) -> Forecasts:
        self.told.append((kwargs["events"], kwargs["covariates"]))
        return super().observe(*args, **kwargs)


def told_to_the_bank(records: list[Record], chosen: Settings) -> tuple[Any, Any]:
    bank = Spy(hyperparameters(chosen))
    Shard("events", 0, 0, chosen, bank).fold(records, "every")
    (told,) = bank.told
    return told


def test_the_bank_is_told_which_values_came_together_and_what_was_known_with_them() -> None:
    records = [
        machine(3, "a", 0.0, True, temp=1, rpm=2, load=3),
        Record("events", 0, 4, -1, None, b"not json"),
        machine(5, "a", 3600.0, 1, temp="x", rpm="x", load="x"),
        machine(7, "b", 8.0, "?", temp=1, rpm="x", load=3),
    ]
    events, covariates = told_to_the_bank(records, GROUPS)
    assert events.tolist() == [0, 0, 0, 1, 1]
    assert str(covariates.tolist()) == str([[1.0, 0.0]] * 3 + [[math.nan, 1.0]] * 2)
    fold = Shard.fresh("events", 0, 0, GROUPS).fold(records, "every")
    assert fold.counts.masked_covariates == 1


def test_nothing_is_told_to_the_bank_where_events_hold_one_value_and_no_covariates() -> None:
    assert told_to_the_bank(log(3), SETTINGS) == (None, None)


def test_one_value_in_an_event_may_have_covariates() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(timestamp_format="s", covariates=("holiday",)))
    records = [machine(offset, "a", 3600.0 * offset, offset, value=1) for offset in range(3)]
    events, covariates = told_to_the_bank(records, chosen)
    assert (events, covariates.tolist()) == (None, [[0.0], [1.0], [2.0]])


def test_covariates_shape_the_state_in_number_and_by_name() -> None:
    assert hyperparameters(GROUPS).covariates == 2
    other = Settings(model=SETTINGS.model, events=Events(values=GROUPS.events.values, covariates=("holiday",)))
    with pytest.raises(FingerprintError, match=r"events\.covariates was \['holiday', 'weather.wind'\] and is now"):
        Shard.load("events", 0, *Shard.fresh("events", 0, 0, GROUPS).dump(), other)

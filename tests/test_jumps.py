"""A clock that jumps costs one observation; a series that really went on later costs no more than one either."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import ANY_GAP, Hyperparameters, Outcome
from lstm_stream.columns import grown
from lstm_stream.compiled import entry
from lstm_stream.grid import Grid, Placement, Rhythm, place
from lstm_stream.seasons import SECOND
from pipeline.dead_letters import REASONS
from pipeline.messages import Record
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard

FORECAST, LATE, REPEATED, UNKNOWN, JUMP = (outcome.name for outcome in Outcome)
MINUTE, HOUR, DAY = 60, 3600, 86400
RULES = Hyperparameters(step=float(MINUTE), max_gap=10, restart_after=5)
REGULAR = [MINUTE * i for i in range(20)]


@entry
def first_placed(grid: Grid, rhythm: Rhythm, time: int, null: bool) -> Placement:
    """Place an observation of the first series."""
    return place(grid, rhythm, 0, time, null)


class Series:
    """The grid of one series; times in seconds."""

    def __init__(self, rules: Hyperparameters = RULES) -> None:
        self.grid, self.rhythm, self.restarts = grown(Grid.empty(), 1), Rhythm.of(rules), 0

    def came(self, *times: float, null: bool = False) -> list[str]:
        return [self._came(time, null) for time in times]

    def _came(self, time: float, null: bool) -> str:
        placed = first_placed(self.grid, self.rhythm, round(time * SECOND), null)
        self.restarts += int(placed.restart)
        return Outcome(placed.outcome).name


def regular(rules: Hyperparameters = RULES, step: float = MINUTE, count: int = 20) -> Series:
    """A series that has come so many times, a step apart, the last at step * (count - 1)."""
    series = Series(rules)
    assert set(series.came(*(step * i for i in range(count)))) == {FORECAST}
    assert series.restarts == 1
    return series


@pytest.mark.parametrize("ahead", [12 * MINUTE, DAY, 365 * DAY, 5000 * 365 * DAY])
def test_one_wrong_stamp_costs_one_observation(ahead: float) -> None:
    series = regular()
    assert series.came(19 * MINUTE + ahead, 20 * MINUTE, 21 * MINUTE) == [JUMP, FORECAST, FORECAST]
    assert series.restarts == 1


def test_a_gap_that_can_be_filled_is_no_jump() -> None:
    series = regular()
    assert series.came(19 * MINUTE + 11 * MINUTE, 31 * MINUTE) == [FORECAST, FORECAST]
    assert series.restarts == 1


def test_where_the_next_one_agrees_the_series_starts_again_there() -> None:
    series = regular()
    assert series.came(DAY, DAY + MINUTE, DAY + 2 * MINUTE) == [JUMP, FORECAST, FORECAST]
    assert series.restarts == 2


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        pytest.param(DAY, JUMP, id="the same again"),
        pytest.param(DAY + 20, JUMP, id="in the same slot"),
        pytest.param(DAY - 5 * MINUTE, JUMP, id="before the held one"),
        pytest.param(DAY + 11 * MINUTE, FORECAST, id="after it by no more than max_gap"),
        pytest.param(2 * DAY - 19 * MINUTE, FORECAST, id="as far after it as it lies after the last"),
        pytest.param(2 * DAY, JUMP, id="further"),
        pytest.param(20 * MINUTE, FORECAST, id="the one that was due"),
        pytest.param(18 * MINUTE, LATE, id="a late one"),
        pytest.param(19 * MINUTE, REPEATED, id="a repeated one"),
    ],
)
def test_what_comes_after_a_jump(second: float, outcome: str) -> None:
    assert regular().came(DAY, second) == [JUMP, outcome]


def test_late_and_repeated_ones_tell_nothing_of_a_held_stamp() -> None:
    assert regular().came(DAY, 3 * MINUTE, 19 * MINUTE, DAY + MINUTE) == [JUMP, LATE, REPEATED, FORECAST]


def test_the_one_that_was_due_tells_that_the_held_stamp_was_wrong() -> None:
    assert regular().came(DAY, 20 * MINUTE, DAY + MINUTE, 21 * MINUTE) == [JUMP, FORECAST, JUMP, FORECAST]


def test_a_clock_that_is_often_wrong_costs_its_own_observations_only() -> None:
    far = np.random.default_rng(0).uniform(1, 1000, 500) * DAY
    wrong = np.arange(500) % 3 == 0
    times = MINUTE * np.arange(20, 520) + np.where(wrong, far, 0)
    assert regular().came(*times.tolist()) == np.where(wrong, JUMP, FORECAST).tolist()


def test_a_device_that_is_off_every_night_costs_its_first_morning() -> None:
    series, told = Series(), []
    for day in range(14):
        told += series.came(*(DAY * day + 6 * HOUR + MINUTE * i for i in range(12 * 60)))
    assert told.count(JUMP) == 1
    assert told.count(FORECAST) == 14 * 12 * 60 - 1
    assert series.restarts == 14


def test_a_series_that_becomes_slow_costs_one_observation() -> None:
    series = regular()
    told = series.came(*(DAY + HOUR * i for i in range(50)))
    assert told == [JUMP] + [FORECAST] * 49


def test_a_wide_gap_is_forgotten_in_four_times_its_length() -> None:
    series = regular()
    assert series.came(HOUR, HOUR + MINUTE) == [JUMP, FORECAST]
    series.came(*(HOUR + MINUTE * i for i in range(2, 250)))
    assert series.came(HOUR + 249 * MINUTE + HOUR) == [JUMP]


def test_a_jump_back_starts_again_after_as_many_late_ones_as_ever() -> None:
    series = regular()
    assert series.came(*(-DAY + MINUTE * i for i in range(6))) == [LATE] * 4 + [FORECAST] * 2
    assert series.came(DAY) == [JUMP]


def test_jumps_between_late_ones_do_not_hide_that_they_are_in_a_row() -> None:
    assert regular().came(1, 2, DAY, 3, 4, 5) == [LATE, LATE, JUMP, LATE, LATE, FORECAST]


def test_a_missing_value_may_jump_and_may_agree() -> None:
    series = regular()
    assert series.came(DAY, null=True) == [JUMP]
    assert series.came(DAY + MINUTE) == [FORECAST]
    assert series.came(3 * DAY) == [JUMP]
    assert series.came(3 * DAY + MINUTE, null=True) == [UNKNOWN]
    assert series.came(3 * DAY + 2 * MINUTE) == [FORECAST]


INFERRED = Hyperparameters(step="infer", max_gap=10, restart_after=5)


def test_while_the_step_is_not_known_its_first_gaps_tell_what_is_usual() -> None:
    series = Series(INFERRED)
    assert series.came(0, MINUTE, DAY, 2 * MINUTE, 3 * MINUTE) == [FORECAST, FORECAST, JUMP, FORECAST, FORECAST]


def test_a_second_observation_is_never_a_jump() -> None:
    assert Series(INFERRED).came(0, 365 * DAY) == [FORECAST, FORECAST]


def test_a_series_without_a_rhythm_goes_on_after_a_jump_that_was_none() -> None:
    series = Series(Hyperparameters(step="event", max_gap=10))
    series.came(*np.cumsum(np.random.default_rng(0).exponential(MINUTE, 50)).tolist())
    assert series.came(DAY, DAY + HOUR, DAY + HOUR + 5) == [JUMP, FORECAST, FORECAST]
    assert series.restarts == 1


def test_months_are_no_jumps_and_a_year_ahead_is() -> None:
    months = np.arange("2015-01", "2018-05", dtype="M8[M]")
    stamps = months.astype("M8[s]").astype(np.float64).tolist()
    series = Series(Hyperparameters(step="infer", max_gap=6))
    assert set(series.came(*stamps[:30])) == {FORECAST}
    assert series.came(stamps[30] + 365 * DAY, *stamps[30:]) == [JUMP] + [FORECAST] * 10


def test_a_caller_to_whom_every_value_counts_can_say_so() -> None:
    series = regular(Hyperparameters(step="event", max_gap=ANY_GAP))
    assert series.came(10_000 * 365 * DAY, 10_001 * 365 * DAY) == [FORECAST, FORECAST]


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.integers(SECOND, 2**50) | st.integers(SECOND, 6000 * SECOND), min_size=1, max_size=60),
    step=st.sampled_from(["infer", "event", 0.001, 1.0]),
    max_gap=st.sampled_from([0, 1, 168, 10**6]),
)
def test_of_times_whose_gaps_never_grow_at_least_every_other_is_believed(
    gaps: list[int], step: Literal["infer", "event"] | float, max_gap: int
) -> None:
    series = Series(Hyperparameters(step=step, max_gap=max_gap))
    told = series.came(*(np.cumsum(sorted(gaps, reverse=True)) / SECOND).tolist())
    assert told[0] == FORECAST
    assert (JUMP, JUMP) not in pairwise(told)
    assert LATE not in told


# In a shard


def test_a_jump_is_one_dead_letter_that_tells_the_setting() -> None:
    chosen = Settings(
        model=Model(horizon=2, hidden_size=4, window=4, windows=2, replay=8, memory=64),
        events=Events(step=60.0, max_gap=10, max_ahead=1e9),
    )
    times = [1.7e9 + MINUTE * i for i in range(30)]
    times[20] += 400 * DAY
    records = [
        Record("events", 0, i, -1, b"a", b'{"series": "a", "timestamp": %d, "value": %d}' % (time, i % 5))
        for i, time in enumerate(times)
    ]
    fold = Shard.fresh("events", 0, 0, chosen).fold(records, "every")
    counts = fold.counts
    assert (counts.observations, counts.forecasts, counts.late, counts.repeated) == (30, 29, 0, 0)
    assert counts.dead_letters == {"timestamp_jump": 1}
    (letter,) = fold.dead_letters
    headers = dict(letter.headers)
    told = b" ".join(headers.values()).decode()
    assert letter.value == records[20].value
    assert "events.max_gap allows 10 steps of 60 s" in told
    assert "34560060 s after" in told
    assert "timestamp_jump" in REASONS

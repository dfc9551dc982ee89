"""Rows that a file leaves out are counted, and steps that differ are told."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.gaps import NO_GAPS, gaps_of, in_autumn_hour, steps_told
from pipeline.files.rhythm import Integers, rhythm_of

STEPS = [timedelta(milliseconds=100), timedelta(minutes=15), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)]


def at(times: list[datetime]) -> Integers:
    return np.array([round(time.timestamp() * 1e6) for time in times])


START = datetime(2024, 1, 1, tzinfo=UTC)


@given(st.sampled_from(STEPS), st.integers(20, 60), st.sets(st.integers(1, 18), max_size=5))
def test_rows_that_were_taken_out_are_counted(step: timedelta, count: int, out: set[int]) -> None:
    times = at([START + place * step for place in range(count) if place not in out])
    series = np.zeros(len(times), np.int64)
    gaps = gaps_of(series, times, rhythm_of(series, times)._replace(business=False, irregular=False))
    assert gaps.rows == len(out)
    assert gaps.places == len([place for place in out if place - 1 not in out])


@given(st.integers(1, 28), st.sampled_from([1, 3, 6, 12]), st.integers(6, 40))
def test_months_quarters_and_years_have_no_gaps(day: int, months: int, count: int) -> None:
    every = [place * months for place in range(count)]
    times = at([datetime(1990 + month // 12, month % 12 + 1, day, tzinfo=UTC) for month in every])
    series = np.zeros(count, np.int64)
    assert gaps_of(series, times, rhythm_of(series, times)) == NO_GAPS


def test_weekends_are_no_gaps_of_business_days_and_a_holiday_is_one() -> None:
    days = [date(2024, 1, 1) + timedelta(days=place) for place in range(60)]
    days = [day for day in days if day.weekday() < 5 and day != date(2024, 1, 15)]
    times = at([datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days])
    series = np.zeros(len(times), np.int64)
    gaps = gaps_of(series, times, rhythm_of(series, times))
    assert (gaps.places, gaps.rows) == (1, 1)
    assert (gaps.begin, gaps.end) == (int(times[9]), int(times[10]))


def test_a_stamp_of_another_age_is_a_gap_that_names_it() -> None:
    times = at([*(START + timedelta(days=day) for day in range(20)), datetime(9999, 12, 31, tzinfo=UTC)])
    gaps = gaps_of(np.zeros(21, np.int64), times, rhythm_of(np.zeros(21, np.int64), times))
    assert gaps.places == 1
    assert gaps.rows > 2_000_000
    assert gaps.end == times[-1]


def test_each_series_has_gaps_of_its_own_step() -> None:
    hours, days = (
        [START + timedelta(hours=place) for place in range(40)],
        [START + timedelta(days=d) for d in range(10)],
    )
    times = at([*hours, *days])
    series = np.repeat([0, 1], [40, 10])
    rhythm = rhythm_of(series, times)
    assert gaps_of(series, times, rhythm._replace(irregular=False)) == NO_GAPS
    assert steps_told(series, times, ("a", "b")) == "a row an hour in 1 (`a`), a row a day in 1 (`b`)"
    assert steps_told(series[:40], times[:40], ("a",)) == ""
    assert steps_told(np.zeros(50, np.int64), times, ("a",)) == ""


@pytest.mark.parametrize(
    ("moment", "is_so"),
    [
        (datetime(2024, 10, 27, 2), True),
        (datetime(2024, 11, 3, 1, 30), True),
        (datetime(2024, 10, 28, 2), False),
        (datetime(2024, 10, 27, 4), False),
    ],
)
def test_the_hours_in_which_clocks_are_set_back_are_known(moment: datetime, is_so: bool) -> None:
    assert in_autumn_hour(at([moment.replace(tzinfo=UTC)])) == is_so
    assert not in_autumn_hour(at([]))

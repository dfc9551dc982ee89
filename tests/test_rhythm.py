"""How far apart rows are, in words and in seasons."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from pipeline.files.rhythm import rhythm_of


def stamps(moments: list[date]) -> list[int]:
    return [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000 for day in moments]


def rhythm(times: list[int], series: list[int] | None = None) -> tuple[str, int]:
    own = rhythm_of(np.array(series or [0] * len(times)), np.array(times))
    return own.told, own.season


@pytest.mark.parametrize(
    ("step", "told", "season"),
    [
        (1, "a row a second", 3600),
        (15, "a row every 15 seconds", 240),
        (60, "a row a minute", 60),
        (900, "a row every 15 minutes", 96),
        (3600, "a row an hour", 24),
        (86400, "a row a day", 7),
        (7 * 86400, "a row a week", 52),
    ],
)
def test_a_step_is_told_and_suggests_a_season(step: int, told: str, season: int) -> None:
    assert rhythm([row * step * 1_000_000 for row in range(20)]) == (told, season)


def test_days_without_weekends_are_business_days_with_a_season_of_five() -> None:
    days = [date(2024, 1, 1) + timedelta(days=row) for row in range(60)]
    assert rhythm(stamps(days)) == ("a row a day", 7)
    assert rhythm(stamps([day for day in days if day.weekday() < 5])) == ("a row a business day", 5)
    assert rhythm(stamps([day for day in days if day.weekday() != 6])) == ("a row a day", 7)


def test_few_days_of_many_series_are_no_business_days() -> None:
    times = stamps([date(2024, 1, 1) + timedelta(days=day) for day in range(3) for _ in range(40)])
    assert rhythm(times, [series for _ in range(3) for series in range(40)])[0] == "a row a day"


def test_months_quarters_and_years_are_regular_though_their_lengths_differ() -> None:
    months = [date(2000 + row // 12, 1 + row % 12, 1) for row in range(60)]
    assert rhythm(stamps(months)) == ("a row a month", 12)
    assert rhythm(stamps(months[::3])) == ("a row a quarter", 4)
    assert rhythm(stamps(months[::12])) == ("a row a year", 1)


def test_the_rows_of_each_series_are_looked_at_alone_and_in_any_order() -> None:
    hours = [row * 3_600_000_000 for row in range(20)]
    both = hours + [time + 7_000_000 for time in hours]
    assert rhythm(both[::-1], [0] * 20 + [1] * 20) == ("a row an hour", 24)


def test_uneven_gaps_are_told() -> None:
    assert rhythm([row * row * 1_000_000 for row in range(20)])[0].endswith("irregular")


def test_rows_that_have_no_other_beside_them_have_no_step() -> None:
    assert rhythm([5, 5, 7], [0, 0, 1]) == ("one row each", 1)

"""Parts of a date in columns of their own are told by their names, whatever their order."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.dateparts import roles_of, written
from pipeline.stamps import StampError

days = st.dates(date(1700, 1, 1), date(2200, 12, 31))


@given(days, st.integers(0, 23), st.permutations(range(4)))
def test_parts_may_stand_in_any_order(day: date, hour: int, order: list[int]) -> None:
    names, cells = ["Year", "Monat", "day", "HH"], [str(day.year), str(day.month), f"{day.day}.0", f"{hour:02d}"]
    roles = roles_of([names[place] for place in order])
    assert written(roles, [cells[place] for place in order]) == f"{day} {hour:02d}:00:00"


@given(days)
def test_a_week_and_a_day_of_the_year_make_a_date(day: date) -> None:
    year, week, weekday = day.isocalendar()
    monday = date.fromordinal(day.toordinal() - weekday + 1)
    assert written(roles_of(["year", "week"]), [str(year), str(week)]) == f"{monday} 00:00:00"
    doy = day.timetuple().tm_yday
    assert written(roles_of(["YEAR", "DOY"]), [str(day.year), str(doy)]) == f"{day} 00:00:00"


@pytest.mark.parametrize(
    "names", [["year", "day"], ["month", "day"], ["year", "x"], ["year", "year"], ["week", "month", "year"]]
)
def test_columns_that_make_no_date_together_are_none(names: list[str]) -> None:
    assert roles_of(names) == ()


@pytest.mark.parametrize(
    ("names", "cells"),
    [
        (["year", "month"], ["2024", "x"]),
        (["year", "month"], ["2024", ""]),
        (["year", "month"], ["24", "5"]),
        (["year", "month"], ["nan", "5"]),
        (["year", "week"], ["2023", "53"]),
        (["year", "doy"], ["9999", "inf"]),
    ],
)
def test_what_is_no_part_is_refused(names: list[str], cells: list[str]) -> None:
    with pytest.raises(StampError):
        written(roles_of(names), cells)

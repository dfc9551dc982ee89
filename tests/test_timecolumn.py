"""Columns of times: one form for all cells, told by the whole column or not at all."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.clocks import are_clocks, clock_reader
from pipeline.files.dateorder import order_of
from pipeline.files.timecolumn import TimeColumn
from pipeline.files.timeforms import SLASHED, first_form, form_of, has_hours, is_date, is_span, named_form, slashed_form
from pipeline.messages import iso8601
from pipeline.stamps import StampError, Stamps


def read(cells: list[str], at: int = 0) -> str:
    form = form_of(cells)
    assert form is not None
    return iso8601(TimeColumn((0,), "", Stamps(), form).read((cells[at],)).time)


@pytest.mark.parametrize(
    ("cell", "told", "time"),
    [
        ("2024-05-01", "ISO 8601", "2024-05-01T00:00:00Z"),
        ("2024-05", "ISO 8601", "2024-05-01T00:00:00Z"),
        ("2024-05-01T13:00:00+02:00", "ISO 8601", "2024-05-01T11:00:00Z"),
        ("2024-W05", "ISO week", "2024-01-29T00:00:00Z"),
        ("2024-W05-3", "ISO week", "2024-01-31T00:00:00Z"),
        ("2026/01/31 07:05", "Y/m/d", "2026-01-31T07:05:00Z"),
        ("2026.01.31", "Y/m/d", "2026-01-31T00:00:00Z"),
        ("1960Q1", "quarter", "1960-01-01T00:00:00Z"),
        ("1960-Q4", "quarter", "1960-10-01T00:00:00Z"),
        ("Q2 1960", "quarter", "1960-04-01T00:00:00Z"),
        ("Jan 1990", "month by name", "1990-01-01T00:00:00Z"),
        ("Sep-90", "month by name", "1990-09-01T00:00:00Z"),
        ("1990 Dec", "month by name", "1990-12-01T00:00:00Z"),
        ("31-Jan-2024", "month by name", "2024-01-31T00:00:00Z"),
        ("Jan 31, 2024", "month by name", "2024-01-31T00:00:00Z"),
        ("1960", "year", "1960-01-01T00:00:00Z"),
        ("202501", "Ym", "2025-01-01T00:00:00Z"),
        ("20260125", "Ymd", "2026-01-25T00:00:00Z"),
        ("202601251330", "YmdHM", "2026-01-25T13:30:00Z"),
        ("20260125133015", "YmdHMS", "2026-01-25T13:30:15Z"),
        ("1714521600", "s since 1970", "2024-05-01T00:00:00Z"),
        ("1714521600000", "ms since 1970", "2024-05-01T00:00:00Z"),
        ("1714521600000000000", "ns since 1970", "2024-05-01T00:00:00Z"),
    ],
)
def test_a_form_is_known_and_read(cell: str, told: str, time: str) -> None:
    form = form_of([cell, cell])
    assert form is not None
    assert form.told == told
    assert read([cell]) == time


@pytest.mark.parametrize("cells", [["a"], ["12"], ["1,5"], ["2024-05-01", "x"], ["2024-05-01", "01/05/2024"], []])
def test_what_is_not_all_of_one_form_has_none(cells: list[str]) -> None:
    form = form_of(cells)
    assert form is None or form.told == "s since 1970"  # 12 s after the epoch: the layout finds that unlikely


dates = st.lists(st.dates(date(1970, 1, 1), date(2060, 12, 31)), min_size=1, max_size=40)
patterns = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}


@given(dates, st.sampled_from(sorted(patterns)))
def test_the_order_that_a_column_was_written_in_is_never_excluded_where_times_go_on(
    days: list[date], order: str
) -> None:
    written = [[day.strftime(patterns[order])] for day in sorted(days)]
    assert order in order_of(written).left


@given(st.dates(date(1970, 1, 1), date(2060, 1, 1)), st.integers(13, 200), st.sampled_from(sorted(patterns)))
def test_a_column_of_days_in_a_row_tells_its_order(first: date, count: int, order: str) -> None:
    written = [[(first + timedelta(days=row)).strftime(patterns[order])] for row in range(max(count, 32))]
    assert order_of(written).left == (order,)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)), st.sampled_from(sorted(patterns)))
def test_a_date_in_a_known_order_is_read_as_it_was_written(moment: datetime, order: str) -> None:
    moment = moment.replace(microsecond=0)
    cell = moment.strftime(patterns[order] + " %H:%M:%S")
    column = TimeColumn((0,), "", Stamps(), slashed_form(order))
    assert iso8601(column.read((cell,)).time) == f"{moment.isoformat()}Z"


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("1/31/24 1:05 PM", "2024-01-31T13:05:00Z"),
        ("01/31/2024, 12:05:09 AM", "2024-01-31T00:05:09Z"),
        ("1/31/68", "2068-01-31T00:00:00Z"),
        ("1/31/69", "1969-01-31T00:00:00Z"),
    ],
)
def test_halves_of_a_day_and_two_digits_of_a_year_are_read(cell: str, time: str) -> None:
    assert iso8601(TimeColumn((0,), "", Stamps(), slashed_form("mdy")).read((cell,)).time) == time


@pytest.mark.parametrize(
    ("clock", "time"),
    [("18.00.00", "18:00:00"), ("7:05", "07:05:00"), ("07:05:09.5", "07:05:09.500000"), ("1:00 pm", "13:00:00")],
)
def test_a_date_and_a_time_of_day_may_stand_in_two_columns(clock: str, time: str) -> None:
    column = TimeColumn((0, 1), "", Stamps(), slashed_form("dmy"))
    assert iso8601(column.read(("10/03/2004", clock)).time) == f"2004-03-10T{time}Z"


def test_a_cell_in_another_form_than_the_others_is_refused() -> None:
    column = TimeColumn((0,), "", Stamps(), first_form(["2024-05-01", "2024-05-02", "x"]))
    with pytest.raises(StampError, match="not written like the times before it"):
        column.read(("03/05/2024",))


@pytest.mark.parametrize(
    ("said", "cell"),
    [("d/m/Y", "31/01/2024"), ("m/d/Y", "01/31/2024"), ("d.m.y", "31.01.24"), ("Y/m/d", "24/1/31"), ("excel", "45322")],
)
def test_a_form_that_was_said_is_read(said: str, cell: str) -> None:
    assert iso8601(TimeColumn((0,), "", Stamps(), named_form(said)).read((cell,)).time) == "2024-01-31T00:00:00Z"


def test_what_may_be_two_things_is_known() -> None:
    assert has_hours(["2024030107", "2024030108"])
    assert not has_hours(["1714521600"])
    assert is_date("31/01/2024")
    assert not any(map(is_date, ["5.25", "1,234", "12:30", "1714521600", "x-1"]))
    assert SLASHED.fullmatch("10.03.2004")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["00:00", "13:05", "24:00"], [" 00:00:00", " 13:05:00", " 24:00:00"]),
        (["0", "7", "23"], [" 00:00:00", " 07:00:00", " 23:00:00"]),
        (["01", "24"], [" 01:00:00", " 24:00:00"]),
        (["1.0", "2.0"], [" 01:00:00", " 02:00:00"]),
        (["0", "30", "830", "2330"], [" 00:00:00", " 00:30:00", " 08:30:00", " 23:30:00"]),
        (["0000", "2400"], [" 00:00:00", " 24:00:00"]),
    ],
)
def test_times_of_day_are_read_by_their_whole_column(cells: list[str], told: list[str]) -> None:
    assert are_clocks(cells)
    assert list(map(clock_reader(cells), cells)) == told


@pytest.mark.parametrize("cells", [["1", "25"], ["1", "48"], ["0", "96"], ["100", "161"], ["noon"], ["12:00", "13"]])
def test_what_is_no_time_of_day_is_refused(cells: list[str]) -> None:
    assert not are_clocks(cells)
    read = clock_reader(cells)
    with pytest.raises(StampError):
        list(map(read, cells))


def test_an_hour_of_24_is_the_next_days_start() -> None:
    column = TimeColumn((0, 1), "", Stamps(), slashed_form("dmy"), clock_reader(["1", "24"]))
    assert iso8601(column.read(("31/12/2024", "24")).time) == "2025-01-01T00:00:00Z"
    column = column._replace(stamps=Stamps(timezone="Europe/Berlin"))
    assert iso8601(column.read(("30/03/2024", "24")).time) == "2024-03-30T23:00:00Z"


def test_a_date_may_be_followed_by_its_zone() -> None:
    form = slashed_form("dmy")
    assert iso8601(Stamps().read(form.iso("31/01/2026 13:00 Z")).time) == "2026-01-31T13:00:00Z"
    assert [form.iso(f"31/01/2026 13:00{zone}") for zone in (" CET", "Z", " +01:00", "")] == [
        "2026-01-31 13:00:00 CET",
        "2026-01-31 13:00:00 Z",
        "2026-01-31 13:00:00+01:00",
        "2026-01-31 13:00:00",
    ]


@pytest.mark.parametrize("cell", ["01.01.2024 00:00 - 01.01.2024 00:15", "2024-01-01 / 2024-01-02"])
def test_two_dates_in_a_cell_are_a_span(cell: str) -> None:
    assert is_span(cell)
    assert not is_span("2024-01-01 00:00")

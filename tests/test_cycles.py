"""Months of a year or hours of a day side by side are the same observations as in rows of their own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.files.file_options import NO_OPTIONS, FileOptions
from pipeline.files.packing import TableError
from pipeline.files.tables import survey

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
GERMAN = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November")
DAY = datetime(2023, 2, 25, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wide.csv"


def read(file: Path, options: FileOptions = NO_OPTIONS) -> list[tuple[datetime, float]]:
    """Its one series."""
    seen = list(survey(file, options=options).read())
    assert {one.series for one in seen} == {"wide"}
    return [(datetime.fromtimestamp(one.time / 1e6, UTC), one.value) for one in seen]


def table(rows: dict[str, list[int]], time: str, header: list[str]) -> str:
    lines = [",".join([time, *header]), *(",".join([name, *map(str, cells)]) for name, cells in rows.items())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "header",
    [
        list(MONTHS),
        [name.upper() for name in MONTHS],
        [*GERMAN, "Dezember"],
        [str(month) for month in range(1, 13)],
        [f"M{month:02d}" for month in range(1, 13)],
    ],
    ids=["English", "capitals", "German", "numbers", "M01"],
)
@given(
    st.lists(st.lists(st.integers(0, 999), min_size=12, max_size=12), min_size=2, max_size=5), st.integers(1800, 2090)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_months_beside_a_year_are_rows_of_their_own(
    file: Path, header: list[str], years: list[list[int]], first: int
) -> None:
    file.write_text(table({str(first + place): cells for place, cells in enumerate(years)}, "Year", header))
    expected = [
        (datetime(first + place, month, 1, tzinfo=UTC), float(value))
        for place, cells in enumerate(years)
        for month, value in enumerate(cells, 1)
    ]
    assert read(file) == expected


HEADERS: dict[str, tuple[int, int, Callable[[int], str]]] = {
    "H1 to H24": (60, 0, lambda hour: f"H{hour + 1}"),
    "0 to 23": (60, 0, str),
    "Hour 01": (60, 0, lambda hour: f"Hour {hour + 1:02d}"),
    "HE01 is until 1:00": (60, 60, lambda hour: f"HE{hour + 1:02d}"),
    "clocks": (60, 0, lambda hour: f"{hour:02d}:00"),
    "half hours by clocks": (30, 0, lambda half: f"{half // 2:02d}:{half % 2 * 30:02d}"),
    "half hours by number": (30, 0, lambda half: f"HH{half + 1}"),
    "quarters by number": (15, 0, lambda quarter: f"QH{quarter + 1}"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hours_beside_a_day_are_rows_of_their_own(file: Path, name: str) -> None:
    minutes, shift, called = HEADERS[name]
    count = 24 * 60 // minutes
    days = {f"{DAY + timedelta(days=day):%Y-%m-%d}": [day * count + hour for hour in range(count)] for day in range(5)}
    file.write_text(table(days, "Date", list(map(called, range(count)))))
    step = timedelta(minutes=minutes)
    first = DAY + timedelta(minutes=shift)
    assert read(file) == [(first + place * step, float(place)) for place in range(5 * count)]


def test_hours_are_of_the_zone_that_was_said(file: Path) -> None:
    file.write_text(
        table({"2024-03-30": list(range(24)), "2024-04-01": list(range(24))}, "Date", [f"{h}" for h in range(24)])
    )
    seen = read(file, FileOptions(timezone="Europe/Berlin"))
    assert seen[0][0] == datetime(2024, 3, 29, 23, tzinfo=UTC)
    assert seen[-1][0] == datetime(2024, 4, 1, 21, tzinfo=UTC)


def test_days_that_a_month_has_not_are_left_out_where_nothing_stands(file: Path) -> None:
    days = [str(day) for day in range(1, 32)]
    full, february = list(range(31)), [*range(28), "", "", ""]
    file.write_text(
        f"Month,{','.join(days)}\n2023-01,{','.join(map(str, full))}\n2023-02,{','.join(map(str, february))}\n"
    )
    assert [time for time, _ in read(file)] == [
        datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(31 + 28)
    ]


@pytest.mark.parametrize(
    "header", [[f"H{hour}" for hour in range(1, 26)], ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]]
)
def test_parts_whose_times_cannot_be_told_are_asked(file: Path, header: list[str]) -> None:
    file.write_text(table({f"2024-05-0{day}": list(range(len(header))) for day in (6, 7, 8)}, "Date", header))
    with pytest.raises(TableError, match=r"the columns of values are the .* of `Date`"):
        survey(file)


@pytest.mark.parametrize(
    "header",
    [[f"sensor{place}" for place in range(1, 25)], [f"x{place}" for place in range(12)], ["Jan", "Feb", "Mar"]],
)
def test_columns_that_are_no_parts_of_a_time_are_series(file: Path, header: list[str]) -> None:
    file.write_text(table({f"2024-05-0{day}": list(range(len(header))) for day in (6, 7, 8)}, "Date", header))
    assert survey(file).series == tuple(header)


def test_values_that_were_named_are_series_whatever_they_are_called(file: Path) -> None:
    file.write_text(table({str(year): list(range(12)) for year in (2001, 2002)}, "Year", list(MONTHS)))
    assert survey(file, options=FileOptions(values=MONTHS)).series == MONTHS

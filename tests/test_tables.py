"""Files become observations in the order of time, or are refused in one line that says where and why."""

import gzip
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.files.events import Event
from pipeline.files.file_options import Fields, FileOptions
from pipeline.files.packing import TableError
from pipeline.files.tables import survey
from pipeline.messages import iso8601

HOUR = 3_600_000_000
MAY = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000


def observations(path: Path) -> list[Observation]:
    return list(survey(path).read())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_a_long_file_has_a_row_for_each_observation(file: Path) -> None:
    file.write_text("series,timestamp,value\na,2024-05-01T00:00:00Z,1.5\nb,2024-05-01,2\na,2024-05-01 01:00,-3e1\n")
    assert observations(file) == [
        Observation("a", MAY, 1.5),
        Observation("b", MAY, 2.0),
        Observation("a", MAY + HOUR, -30.0),
    ]


def test_the_columns_of_a_long_file_may_come_in_any_order_and_others_are_left_alone(file: Path) -> None:
    file.write_text("value,note,timestamp,series\n1,x,2024-05-01,a\n")
    assert observations(file) == [Observation("a", MAY, 1.0)]


def test_in_a_wide_file_all_columns_of_a_row_share_its_time_stamp(file: Path) -> None:
    file.write_text("date,x,y\n2024-05-01,1,2\n2024-05-01T01:00,3,4\n")
    assert observations(file) == [
        Observation("x", MAY, 1.0),
        Observation("y", MAY, 2.0),
        Observation("x", MAY + HOUR, 3.0),
        Observation("y", MAY + HOUR, 4.0),
    ]


@pytest.mark.parametrize(
    ("text", "fields", "together"),
    [
        ("series,timestamp,value\na,2024-05-01,1\nb,2024-05-01,2\n", Fields(), 1),
        ("date,x\n2024-05-01,1\n", Fields(), 1),
        ("date,x,y,z\n2024-05-01,1,2,3\n", Fields(), 3),
        ("date,x,y,z\n2024-05-01,1,2,3\n", Fields(covariates=("z",)), 2),
        ("date,x,y,z\n2024-05-01,1,2,3\n", Fields(values=("x", "y")), 2),
    ],
)
def test_a_table_tells_how_many_observations_came_together(
    file: Path, text: str, fields: Fields, together: int
) -> None:
    file.write_text(text)
    assert survey(file, fields).together == together


def test_a_column_called_timestamp_holds_the_time_stamps_wherever_it_stands(file: Path) -> None:
    file.write_text("x,timestamp\n7,2024-05-01\n")
    assert observations(file) == [Observation("x", MAY, 7.0)]


def test_series_that_follow_each_other_in_a_file_are_merged_by_time_stamp(file: Path) -> None:
    file.write_text("series,timestamp,value\na,2024-05-01,1\na,2024-05-02,2\nb,2024-05-01,3\nb,2024-05-02,4\n")
    table = survey(file)
    assert not table.ordered
    assert [(one.series, one.value) for one in table.read()] == [("a", 1), ("b", 3), ("a", 2), ("b", 4)]


def test_gzip_is_known_by_its_content_whatever_the_name(file: Path) -> None:
    file.write_bytes(gzip.compress(b"timestamp,x\n2024-05-01,1\n"))
    assert observations(file) == [Observation("x", MAY, 1.0)]


@pytest.mark.parametrize("cell", ["", " ", "NaN", "NA", "null", "None"])
def test_an_empty_cell_is_a_missing_value(file: Path, cell: str) -> None:
    file.write_text(f"timestamp,x,y\n2024-05-01,{cell},1\n")
    assert math.isnan(observations(file)[0].value)


@pytest.mark.parametrize(
    "stamp",
    [
        *["2024-05-01", "20240501", "2024-05", "2024-05-01T02:00:00+02:00"],
        *["1714521600", "1714521600.0", "1714521600000", "1714521600000000", "1714521600000000000"],
    ],
)
def test_time_stamps_are_iso_8601_or_counts_since_1970(file: Path, stamp: str) -> None:
    file.write_text(f"timestamp,x\n{stamp},1\n")
    assert observations(file)[0].time == MAY


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"timestamp,x\n", "no rows"),
        (b"timestamp\n2024-05-01\n", "one column"),
        (b"timestamp x\n2024-05-01 1\n", "expected commas"),
        (b"timestamp,x,x\n2024-05-01,1,2\n", "`x` twice"),
        (b"timestamp,x,\n2024-05-01,1,2\n", "column 3 has no name"),
        (b"timestamp,x\n2024-05-01,1,2\n", "line 2: 3 cells under 2 columns"),
        (b"timestamp,x\n2024-05-01,1\n2024-05-02,one\n", "line 3: `one` in column `x` is not a number"),
        (b"timestamp,x\n2024-05-01,inf\n", "`inf` in column `x` is not a number"),
        (
            b"timestamp,x\n2024-05-01,1\n2024-05-02,1.1e30\n",
            "line 3: `1.1e30` in column `x` is not a number that can be",
        ),
        (b"timestamp,x\n2024-05-01,1_000\n", "`1_000` in column `x` is not a number"),
        (b"timestamp,x\nyesterday,1\n", "`yesterday` in column `timestamp` is not a time stamp"),
        (b"series,timestamp,value\n,2024-05-01,1\n", "line 2: the series has no name"),
        (b"timestamp,x\n2024-05-01,\xff\n", "not UTF-8"),
        (gzip.compress(b"timestamp,x\n2024-05-01,1\n" * 9)[:-12], "damaged gzip"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line_that_names_the_place(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(TableError) as refused:
        survey(file)
    assert told in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


SEVERAL = Fields(values=("temp", "data.rpm"), covariates=("holiday", "wind"))


def test_with_several_values_a_row_is_one_event_called_as_the_file(tmp_path: Path) -> None:
    file = tmp_path / "plant.2.csv.gz"
    file.write_bytes(gzip.compress(b"date,data.rpm,note,temp\n2024-05-01,1,x,2\n2024-05-01T01:00,,y,4\n"))
    table = survey(file, SEVERAL)
    first, second = table.events()
    assert first[:3] == ("plant.2", MAY, (2.0, 1.0))
    assert str(second.values) == "(4.0, nan)"
    assert table.series == ("plant.2/temp", "plant.2/data.rpm")
    assert (table.length, table.observations) == (2, 4)
    assert next(table.read()) == Observation("plant.2/temp", MAY, 2.0)


def test_with_several_values_a_column_may_name_the_series(file: Path) -> None:
    file.write_text("machine,at,temp,rpm\nb,2024-05-02,1,2\na,2024-05-01,3,4\n")
    table = survey(file, Fields("machine", "at", ("temp", "rpm")))
    assert list(table.events()) == [
        Event("a", MAY, (3.0, 4.0)),
        Event("b", MAY + 24 * HOUR, (1.0, 2.0)),
    ]
    assert table.series == ("b/temp", "b/rpm", "a/temp", "a/rpm")


def test_a_value_without_a_column_is_refused_with_the_fix(file: Path) -> None:
    file.write_text("timestamp,temp\n2024-05-01,1\n")
    with pytest.raises(TableError, match=r"no column `data\.rpm`; name columns of it in events\.values"):
        survey(file, SEVERAL)


def test_covariates_of_a_row_go_along_with_each_of_its_events(file: Path) -> None:
    file.write_text("timestamp,x,holiday,y\n2024-05-01,1,0.5,2\n")
    table = survey(file, Fields(covariates=("holiday",)))
    assert list(table.events()) == [Event("x", MAY, (1.0,), (0.5,)), Event("y", MAY, (2.0,), (0.5,))]
    assert table.series == ("x", "y")


def test_a_long_file_may_have_covariates(file: Path) -> None:
    file.write_text("series,timestamp,value,holiday\na,2024-05-01,1,1\n")
    assert list(survey(file, Fields(covariates=("holiday",))).events()) == [Event("a", MAY, (1.0,), (1.0,))]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *[("1.5", 1.5), (" -2e3 ", -2000.0), ("true", 1.0), ("False", 0.0)],
        *[(masked, math.nan) for masked in ("", "NA", "sunny", "inf", "1_0")],
    ],
)
def test_a_covariate_that_is_no_number_is_masked_and_no_error(file: Path, cell: str, number: float) -> None:
    file.write_text(f"timestamp,temp,data.rpm,holiday\n2024-05-01,1,2,{cell}\n")
    (event,) = survey(file, SEVERAL).events()
    assert repr(event) == repr(Event("table", MAY, (1.0, 2.0), (number, math.nan)))


def test_a_file_of_covariates_alone_is_refused(file: Path) -> None:
    file.write_text("timestamp,holiday\n2024-05-01,1\n")
    with pytest.raises(TableError, match="no column of values beside `timestamp` and the covariates"):
        survey(file, Fields(covariates=("holiday",)))


def test_a_missing_file_is_refused(file: Path) -> None:
    with pytest.raises(TableError, match="cannot be read: No such file"):
        survey(file)


rows = st.lists(
    st.builds(
        Observation,
        st.sampled_from(["a", "b", 'ü,"x"']),
        st.integers(-(10**15), 4 * 10**15),
        st.floats(-1e30, 1e30),
    ),
    min_size=1,
)


@given(rows)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_a_long_file_gives_what_was_written_sorted_by_time(file: Path, written: list[Observation]) -> None:
    cells = (
        "{},{},{!r}\n".format('"' + one.series.replace('"', '""') + '"', iso8601(one.time), one.value)
        for one in written
    )
    file.write_text("series,timestamp,value\n" + "".join(cells))
    table = survey(file, options=FileOptions(step="event"))
    assert table.observations == len(written)
    assert list(table.series) == list(dict.fromkeys(one.series for one in written))
    assert list(table.read()) == sorted(written, key=lambda one: one.time)
    apart = len({(one.series, one.time) for one in written})
    assert table.repeated == len(written) - apart
    if apart < 0.99 * len(written):
        with pytest.raises(TableError, match="times repeat"):
            survey(file)
    else:
        assert list(survey(file).read()) == list(table.read())


def test_thousands_of_series_are_told_by_their_column_though_none_repeats_in_the_first_rows(file: Path) -> None:
    rows = (f"2024-05-0{day},s{number},{number % 7}\n" for day in (1, 2, 3) for number in range(3000))
    file.write_text("time,sensor,v\n" + "".join(rows))
    table = survey(file)
    assert (len(table.series), table.length) == (3000, 9000)


def test_thousands_of_columns_are_read(file: Path) -> None:
    names = [f"s{number}" for number in range(6000)]
    rows = (f"2024-05-0{day}," + ",".join(str(number % 7 + day) for number in range(6000)) for day in (1, 2, 3))
    file.write_text("\n".join([",".join(["date", *names]), *rows]) + "\n")
    assert survey(file).series == tuple(names)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("date," + ",".join(f"s{number}" for number in range(100_000)) + "\n2024-05-01" + ",1" * 100_000, "too many"),
        (f"date,v,note\n2024-05-01,1,{'x' * 3_000_000}\n2024-05-02,1,\n", "a line of more than 2 MB"),
    ],
    ids=["columns", "line"],
)
def test_what_is_too_large_is_one_line(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(TableError, match=told) as refused:
        survey(file)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("stamp", ["9999999999999999999999999", "-99999999999"])
def test_a_stamp_beyond_the_calendar_is_one_line_that_names_it(tmp_path: Path, stamp: str) -> None:
    file = tmp_path / "far.csv"
    file.write_text(f"timestamp,a\n2026-01-01,1\n{stamp},2\n")
    with pytest.raises(TableError, match=f"line 3.*{stamp}"):
        survey(file)

"""A header is found below titles and above units; rows of data are none."""

from pathlib import Path

import pytest

from pipeline.files.packing import TableError
from pipeline.files.tables import survey
from pipeline.files.telling import told_of

DATA = "".join(f"2024-05-{day:02d},{day},{day / 2}\n" for day in range(1, 20))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    ("above", "left"),
    [
        ("", ""),
        ("Title,,\n", "1 line before the header"),
        ("Title,,\n,,\nSubtitle,,\n", "2 lines before the header"),
        ("Title\n\n", "1 line before the header"),
        ("latitude,longitude\n52.5,13.4\n\n", "2 lines before the header"),
        ("Station:,Berlin,\n", "1 line before the header"),
    ],
)
@pytest.mark.parametrize(
    ("below", "and_left"),
    [("", ""), ("(UTC),kW,%\n", "1 row below the header (`(UTC)`, `kW`, `%`)"), (",kW,%\n,a,b\n", "2 rows")],
)
def test_a_header_is_found_between_titles_and_units(
    file: Path, above: str, left: str, below: str, and_left: str
) -> None:
    file.write_text(f"{above}date,load,share\n{below}{DATA}")
    table = survey(file)
    assert table.series == ("load", "share")
    assert table.length == 2 * 19
    assert [one.value for one in table.read()][:2] == [1.0, 0.5]
    line = next((line for line in told_of(table) if line.startswith("left out")), "")
    assert left in line
    assert and_left in line
    assert bool(line) == bool(left or and_left)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("date,A,A\n,in,out\n", ("A/in", "A/out")),
        ("date,A,\n,in,out\n", ("A/in", "A/out")),
        (",A,B\ndate,in,in\n", ("A/in", "B/in")),
        (",A,A\n,in,out\ndate,,\n", ("A/in", "A/out")),
    ],
)
def test_a_header_in_two_rows_is_joined_where_one_does_not_name_all(
    file: Path, header: str, names: tuple[str, ...]
) -> None:
    file.write_text(header + DATA)
    assert survey(file).series == names


def test_a_line_that_is_refused_is_counted_from_the_top_of_the_file(file: Path) -> None:
    file.write_text(f"Title,,\n\ndate,load,share\n(UTC),kW,%\n{DATA}2024-06-01,x,1\n")
    with pytest.raises(TableError, match="line 24: `x` in column `load`"):
        survey(file)


@pytest.mark.parametrize("row", ["n/a,,\n", "2024-04-30,none,\n"])
def test_a_row_of_missing_values_is_no_row_of_units(file: Path, row: str) -> None:
    file.write_text(f"date,load,share\n{row}{DATA}")
    if row.startswith("2024"):
        assert survey(file).length == 2 * 20
        return
    with pytest.raises(TableError, match="line 2"):
        survey(file)


def test_a_name_in_several_lines_is_told_in_one(file: Path) -> None:
    file.write_text(f'date,"load\n[kW]","the  share"\n{DATA}')
    assert survey(file).series == ("load [kW]", "the share")


def test_a_refusal_is_one_line_whatever_stands_in_the_cell(file: Path) -> None:
    file.write_text(f'date,load,share\n{DATA}2024-06-01,"1\n2{"x" * 999}",1\n')
    with pytest.raises(TableError) as refused:
        survey(file)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300

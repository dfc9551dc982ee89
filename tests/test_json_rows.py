"""JSON of any form that is a table is read alike: a line each, an array, columns side by side."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.files.packing import TableError
from pipeline.files.tables import survey
from pipeline.files.telling import told_of

values = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=2, max_size=20)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.json"


def times(count: int) -> list[str]:
    return [f"2024-05-{day + 1:02d}" for day in range(count)]


@given(values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_forms_of_a_table_are_read_alike(file: Path, numbers: list[float]) -> None:
    days = times(len(numbers))
    rows = [{"date": day, "v": number} for day, number in zip(days, numbers, strict=True)]
    columns: dict[str, Sequence[object]] = {"date": days, "v": numbers}
    by_number = {name: {str(row): cell for row, cell in enumerate(cells)} for name, cells in columns.items()}
    forms = [
        "\n".join(map(json.dumps, rows)),
        json.dumps(rows),
        json.dumps(rows, indent=2),
        json.dumps(columns),
        json.dumps(columns, indent=2),
        json.dumps({"place": "Berlin", "data": columns}),
        json.dumps(by_number),
    ]
    for form in forms:
        file.write_text(form)
        assert [one.value for one in survey(file).read()] == numbers


def test_what_lies_beside_columns_is_told(file: Path) -> None:
    file.write_text(json.dumps({"place": "Berlin", "data": {"date": times(3), "v": [1, 2, 3], "unit": "kW"}}))
    assert "not used: place, unit (beside the columns)" in list(told_of(survey(file)))


def test_nan_is_a_missing_value_and_infinity_is_refused(file: Path) -> None:
    file.write_text('{"date": "2024-05-01", "v": NaN}\n{"date": "2024-05-02", "v": 1}\n')
    assert math.isnan(next(survey(file).read()).value)
    file.write_text('{"date": "2024-05-01", "v": Infinity}\n{"date": "2024-05-02", "v": 1}\n')
    with pytest.raises(TableError, match="`inf` in column `v`"):
        survey(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[1, 2], [3, 4]]", "array of arrays, .* jq -r"),
        ('[{"date": "2024-05-01"}, 5]', "element 2 of the array is no object"),
        ('{"a": 1}{"a": 2}', "one object a line, as jq -c"),
        ('{"a": 1}\n[2]\n', "line 2 is not a JSON object; expected one a line"),
        (
            '{"status": "ok", "data": {"rows": [{"date": "2024-05-01", "v": 1}]}}',
            r"array `data\.rows` alone .* jq \.data\.rows",
        ),
        (
            '{"x": {"t": [1, 2], "v": [1, 2]}, "y": {"t": [1, 2], "v": [1, 2]}}',
            "columns in `x` alone .* or columns in `y`",
        ),
        ("{}", "holds no fields"),
        ('{"a":' * 50_000, "nested too deeply|not JSON"),
    ],
)
def test_what_is_no_table_or_several_is_one_line_with_the_fix(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(TableError, match=told) as refused:
        survey(file)
    assert "\n" not in str(refused.value)

"""Numbers as files write them: read as they are meant, or refused; never another number in silence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.cells import AmbiguousNumberError, NumberForm, like_a_number, number_form, thousands_or_decimals

PLAIN = NumberForm()

numbers = st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), min_size=1, max_size=20)


def written(value: float, decimal: str, group: str) -> str:
    return f"{value:,.2f}".replace(",", "_").replace(".", decimal).replace("_", group)


@given(numbers, st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'"), (".", " ")]))
def test_numbers_with_two_decimals_are_read_as_they_were_written(values: list[float], marks: tuple[str, str]) -> None:
    cells = [written(value, *marks) for value in values]
    form = number_form(cells, PLAIN)
    assert [form.number(cell) for cell in cells] == values


@given(numbers)
def test_a_number_as_python_writes_it_is_read_in_every_file_of_such_ones(values: list[float]) -> None:
    cells = [repr(value) for value in values]
    form = number_form(cells, PLAIN)
    assert form.decimal == "."
    assert [form.number(cell) for cell in cells] == values


@pytest.mark.parametrize(
    ("cells", "decimal", "group"),
    [
        (["1,5"], ",", "."),
        (["0,125"], ",", "."),
        (["1,234,567"], ".", ","),
        (["1.234.567"], ",", "."),
        (["1,234", "2.5"], ".", ","),
        (["1.234", "2,5"], ",", "."),
        (["1.234"], ".", ""),
        (["12 345,6"], ",", " "),
        ([], ".", ""),
    ],
)
def test_all_cells_together_tell_the_marks(cells: list[str], decimal: str, group: str) -> None:
    form = number_form(cells, PLAIN)
    assert (form.decimal, form.group) == (decimal, group)


def test_a_comma_before_three_digits_is_a_question_that_an_option_answers() -> None:
    with pytest.raises(AmbiguousNumberError, match="1,234"):
        number_form(["1,234", "987"], PLAIN)
    assert number_form(["1,234"], PLAIN, "point").number("1,234") == 1234
    assert number_form(["1,234"], PLAIN, "comma").number("1,234") == 1.234


@pytest.mark.parametrize(
    ("columns", "is_likely", "asked"),
    [
        ([["900", "1.005"]], False, "1.005"),
        ([["1.900", "2.005"]], True, "1.900"),
        ([["1.900", "2.005"]], False, ""),
        ([["900", "1.005"], ["2.5"]], False, ""),
        ([["1234", "1.005"]], True, ""),
        ([["0.125", "1.005"]], True, ""),
        ([["-900", "-1.005"]], False, "-1.005"),
        ([["900", "901"], ["1.005", "2.000"]], False, ""),
        ([[]], True, ""),
    ],
)
def test_a_point_before_three_digits_is_a_question_where_nothing_in_the_file_tells(
    columns: list[list[str]], is_likely: bool, asked: str
) -> None:
    assert thousands_or_decimals(columns, is_likely) == asked


def test_a_point_that_comes_after_whole_numbers_alone_is_a_question_too() -> None:
    form = number_form(["900", "-12"], PLAIN)
    assert [form.number(cell) for cell in ("7", "2.5", "1234")] == [7, 2.5, 1234]
    with pytest.raises(AmbiguousNumberError, match=r"1\.234"):
        form.number("1.234")
    for known in (["900", "1234"], ["900", "2.5"]):
        assert number_form(known, PLAIN).number("1.234") == 1.234
    assert number_form(["900"], PLAIN, "point").number("1.234") == 1.234
    assert number_form(["900"], PLAIN, "comma").number("1.234") == 1234


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        *[
            (PLAIN, cell)
            for cell in ("1,5", "1_000", "inf", "1e31", "-1e300", "x", "١", "0x10", "1 000", "5 %", "$5", "true")
        ],
        *[(NumberForm(",", "."), cell) for cell in ("2.6", "1.23", "1,2,3", "12.34,5")],
        *[(NumberForm(".", ","), cell) for cell in ("1,5", "1,23,456", ",5")],
    ],
)
def test_what_is_no_number_in_the_file_s_form_is_refused(form: NumberForm, cell: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|beyond|convert"):
        form.number(cell)


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "?", "-", "#N/A", "Unavailable", "NaN", "null", "None", ".", "\\N"])
def test_the_usual_texts_mean_a_missing_value(cell: str) -> None:
    assert math.isnan(PLAIN.number(cell))


def test_a_number_may_be_said_to_mean_a_missing_value() -> None:
    form = PLAIN._replace(missing=frozenset({"-999"}))
    assert math.isnan(form.number("-999"))
    assert form.number("-998") == -998


@pytest.mark.parametrize(
    ("cell", "number"), [("on", 1), ("Off", 0), ("TRUE", 1), ("false", 0), ("yes", 1), ("no", 0), ("3", 3)]
)
def test_switches_are_numbers_where_that_was_said(cell: str, number: float) -> None:
    assert PLAIN._replace(booleans=True).number(cell) == number


def test_what_looks_like_a_number_is_known() -> None:
    assert all(map(like_a_number, ["1", "-1.5e3", "1,5", "1 234", "1'234.5", ".5"]))
    assert not any(map(like_a_number, ["", "x", "5 %", "1-2", "12:30", "on"]))

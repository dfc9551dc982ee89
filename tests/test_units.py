"""What stands beside all numbers of a column is left away; what does not is a text, and no number comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.cells import NumberForm, number_form
from pipeline.files.units import NO_UNIT, Unit, unit_of

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 2)), min_size=1, max_size=20)
BEFORE = ("$", "€", "US$", "EUR", "'")
AFTER = ("%", "°C", "kWh", "€", "EUR", "m/s", "hPa", "µg/m³", "km/h")


@given(numbers, st.sampled_from(BEFORE), st.sampled_from(["", " "]))
def test_what_stands_before_all_numbers_is_left_away(values: list[float], unit: str, gap: str) -> None:
    cells = [f"{'-' if value < 0 else ''}{unit}{gap}{abs(value):.2f}" for value in values]
    found = unit_of(cells)
    assert found == Unit(unit, "")
    assert [float(found.bare(cell)) for cell in cells] == values


@given(numbers, st.sampled_from(AFTER), st.sampled_from(["", " "]))
def test_what_stands_after_all_numbers_is_left_away(values: list[float], unit: str, gap: str) -> None:
    cells = [f"{value:.2f}{gap}{unit}" for value in values]
    found = unit_of(cells)
    assert found == Unit("", unit)
    assert [float(found.bare(cell)) for cell in cells] == values


@pytest.mark.parametrize(
    "cells",
    [
        *[["A1", "A2"], ["1a", "2b"], ["10K", "3M"], ["10K", "20K"], ["5 kWh", "5 MWh"], ["5 %", "5"], ["5", "5 %"]],
        *[["1st", "2nd"], ["2024-01-01"], ["12:30"], ["1 AM", "2 AM"], ["$"], ["text"], [], ["1.5"], ["1号", "2号"]],
    ],
)
def test_what_differs_or_is_unknown_is_no_unit(cells: list[str]) -> None:
    assert unit_of(cells) == NO_UNIT


def test_a_number_without_the_unit_of_the_others_is_refused_and_a_text_stays() -> None:
    assert Unit("", "%").bare("n/a") == "n/a"
    with pytest.raises(ValueError, match="without its unit"):
        Unit("", "%").bare("5")


@given(numbers)
def test_a_minus_may_be_any_sign_stand_behind_or_be_parentheses(values: list[float]) -> None:
    for written in ("\u2212{}", "{}-", "({})"):
        cells = [written.format(f"{-value:.2f}") if value < 0 else f"{value:.2f}" for value in values]
        form = number_form(cells, NumberForm())
        assert [form.number(cell) for cell in cells] == values


@pytest.mark.parametrize("cell", ["(D)", "(1", "1)", "-(5)", "--5", "5--", "()", "(5)-"])
def test_what_only_looks_negative_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|convert"):
        NumberForm().number(cell)

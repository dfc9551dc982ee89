"""Numbers that stand for a missing value are told from values: by their digits, and as they lie far from all others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sentinels import USUAL, Spread, written

ordinary = st.lists(st.floats(-500, 500).filter(lambda value: value not in USUAL), min_size=2, max_size=50)


def of(*values: float) -> dict[float, int]:
    spread = Spread()
    for value in values:
        spread.add(value)
    return spread.sentinels()


@pytest.mark.parametrize("value", [-99.0, -99.9, -999.0, 999.9, 9999.0, -9999.0, 99999.0, 999.99, 32767.0, -32768.0])
def test_the_usual_ones_are_known(value: float) -> None:
    assert of(3.5, value, 4.5, value, 20.0) == {value: 2}


@given(ordinary, st.sampled_from(sorted(USUAL)), st.integers(1, 4))
def test_one_is_told_where_it_lies_further_off_than_the_others_from_each_other_or_a_quarter_of_it_often(
    values: list[float], value: float, count: int
) -> None:
    least, greatest = min(values), max(values)
    enough = 0.25 if count >= 3 else 1.0
    is_far = max(least - value, value - greatest) > enough * (greatest - least)
    assert of(*values, *[value] * count, math.nan) == ({value: count} if is_far else {})


@given(ordinary)
def test_ordinary_values_are_none(values: list[float]) -> None:
    assert of(*values) == {}


def test_a_value_amid_the_others_is_one_of_them() -> None:
    assert of(950.0, 999.0, 1010.0) == {}
    assert of(8000.0, 9999.0, 100.0) == {}


def test_where_there_is_nothing_else_all_are_told() -> None:
    assert of(-9999.0, -9999.0) == {-9999.0: 2}


@pytest.mark.parametrize(("value", "text"), [(-9999.0, "-9999"), (999.9, "999.9"), (32767.0, "32767")])
def test_one_is_written_as_settings_have_it(value: float, text: str) -> None:
    assert written(value) == text

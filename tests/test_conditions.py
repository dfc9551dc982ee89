"""Laws of conditions: which events are for us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.conditions import Condition
from pipeline.events.paths import FieldError, Place
from pipeline.messages import Record
from tests.json_values import json_values

RECORD = Record("plant", 0, 7, -1, b"k-1", None, (("type", b"reading"), ("bad", b"\xff")))
NODE = {
    "type": "reading",
    "n": 5,
    "f": 5.5,
    "on": True,
    "null": None,
    "text": "a = b",
    "tags": [{"key": "env", "value": "prod"}],
    "a": {"b": "sensor.kitchen"},
    "object": {},
}


def holds(text: str, *nodes: object) -> bool:
    return Condition(text).holds(Place(RECORD, nodes or (NODE,)))


@pytest.mark.parametrize(
    "text",
    [
        "type = reading",
        "type == reading",
        "type=reading",
        "type = 'reading'",
        'type = "reading"',
        "type != test",
        "type =~ read.*",
        "type !~ read",
        "a.b =~ (sensor|binary_sensor)[.].+",
        "n = 5",
        "n = 5.0",
        "n =~ [0-9]",
        "f = 5.5",
        "on = true",
        "on != false",
        "text = a = b",
        "type exists",
        "object exists",
        "gone absent",
        "null absent",
        "gone != x",
        "gone !~ .*",
        "tags[key=env].value = prod",
        "tags[key=env].value exists",
        "{header:type} = reading",
        "{header:type} exists",
        "{header:gone} absent",
        "{header:bad} absent",
        "{key} =~ k-.*",
        "{topic} = plant",
        "null != null",
    ],
)
def test_a_condition_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "type = test",
        "type = Reading",
        "type != reading",
        "type =~ read",
        "type !~ read.*",
        "n = 6",
        "on = 1",
        "object =~ .*",
        "gone = ''",
        "gone exists",
        "null exists",
        "type absent",
        "tags[key=zone].value exists",
        "{header:bad} exists",
        "{key} = k",
    ],
)
def test_a_condition_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{header:type} = x", True), ("{key} exists", True), ("{topic} = x", True), ("key = x", False)],
)
def test_a_condition_of_the_record_needs_no_event(text: str, expected: bool) -> None:
    assert Condition(text).is_of_record is expected


def test_an_element_goes_before_what_it_lies_in() -> None:
    assert holds("type = a", {"type": "a"}, {"type": "b"})
    assert holds("type = b", {}, {"type": "b"})


@pytest.mark.parametrize("text", ["type", "", "= x", "type > 5", "type exist", "{a}{b} = x", "a..b = x", "x =~ ("])
def test_what_is_no_condition_is_told_with_its_fix(text: str) -> None:
    with pytest.raises(FieldError, match=r"expected|put a"):
        Condition(text)


@given(st.text(), json_values)
def test_any_text_is_a_condition_or_refused(text: str, node: object) -> None:
    condition = compiled(text)
    assert condition is None or condition.holds(Place(RECORD, (node,))) in (True, False)


def compiled(text: str) -> Condition | None:
    try:
        return Condition(text)
    except FieldError:
        return None

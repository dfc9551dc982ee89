"""Laws of records with many points: each element of the arrays comes once, with what it lies in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.paths import FieldError
from pipeline.events.points import Exploded, Points
from tests.json_values import json_values


def exploded(document: object, *texts: str, now: float | None = None) -> Exploded:
    return Points(texts).explode(document, now)


def test_elements_come_with_what_they_lie_in_outward() -> None:
    metric = {"n": "a", "g": {"p": [{"v": 1}, {"v": 2}]}}
    resource = {"h": 1, "m": [metric]}
    document = {"r": [resource, {"h": 2, "m": []}]}
    found = exploded(document, "r[].m[].g.p[]")
    first, second = found.elements
    assert first == ({"v": 1}, metric, resource, document)
    assert second[0] == {"v": 2}
    assert (found.arrays, found.empty, found.without) == (4, 1, 0)


@pytest.mark.parametrize(
    ("document", "text", "elements"),
    [
        ([1, 2], "[]", [1, 2]),
        ([[1], [2, 3]], "[][]", [1, 2, 3]),
        ({"a": [1]}, "a[]", [1]),
        ({"a": {"b": [1]}}, "a.b[]", [1]),
        ({"a.b": [1]}, "a.b[]", [1]),
        ([{"a": [1]}, {"a": [2]}], "[].a[]", [1, 2]),
        ({"a": {"v": 1}}, "a[]", [{"v": 1}]),
        ({"a": [[0, [1, 2]]]}, "a[][1][]", [1, 2]),
        ([], "[]", []),
        ({"a": 5}, "a[]", []),
        (5, "[]", []),
        ({"a": "[1, 2]"}, "a[]", [1, 2]),
        ({"a": ['{"v": 1}', "x"]}, "a[]", [{"v": 1}, "x"]),
        ({"a": [1], "b": [2, 3]}, "*[]", [1, 2, 3]),
        ({"a": {"v": 1}, "b": {"v": 2}}, "*[]", [{"v": 1}, {"v": 2}]),
        ({"r": {"USD": 1.1, "GBP": 0.9}}, "r.*[]", [1.1, 0.9]),
        ({"ts": 5, "a": [1]}, "*[]", [1]),
        ({"m": {"a": {"c": [1]}, "b": {"c": [2]}}}, "m.*.c[]", [1, 2]),
        ({"s": {"a": {"v": 1}, "b": {"v": 2}}}, "*.*[]", [{"v": 1}, {"v": 2}]),
        ([{"a": [1]}, {"b": [2]}], "[].*[]", [1, 2]),
        ({"a": 5}, "a.*[]", []),
        ({}, "*[]", []),
        ({"h": {"t": [1, 2], "v": [3, 4]}}, "h[zip]", [{"t": 1, "v": 3}, {"t": 2, "v": 4}]),
        ({"t": [1, 2], "v": [3], "u": "C"}, "[zip]", [{"t": 1, "v": 3}, {"t": 2}]),
        ({"a": {"t": [1]}, "b": {"t": [2]}}, "*[zip]", [{"t": 1}, {"t": 2}]),
        ({"h": {"t": 1}}, "h[zip]", []),
        ({"h": [1]}, "h[zip]", []),
    ],
)
def test_arrays_are_found(document: object, text: str, elements: list[object]) -> None:
    assert [nodes[0] for nodes in exploded(document, text).elements] == elements


def test_the_name_that_an_element_lies_under_is_in_its_reach() -> None:
    found = exploded({"host": "h", "dev-1": [{"v": 1}], "dev-2": {"v": 2}}, "*[]")
    assert [nodes[1] for nodes in found.elements] == [{"*": "dev-1"}, {"*": "dev-2"}]
    assert all(nodes[-1]["host"] == "h" for nodes in found.elements if isinstance(nodes[-1], dict))
    deeper = exploded({"site": {"dev-1": {"v": 1}}}, "*.*[]")
    assert deeper.elements[0][1] == {"*": "site/dev-1"}


def test_rows_of_arrays_side_by_side_have_what_lies_beside_them_in_reach() -> None:
    hourly = {"unit": "C", "t": [1, 2], "v": [3, 4]}
    document = {"place": "Bern", "hourly": hourly}
    assert exploded(document, "hourly[zip]").elements[1] == ({"t": 2, "v": 4}, hourly, document)
    assert exploded(hourly, "[zip]").elements[0] == ({"t": 1, "v": 3}, hourly)


def test_what_has_no_names_or_arrays_is_counted() -> None:
    assert exploded({}, "*[]")[1:] == (1, 1, 0)
    for document, text in (({"a": 1}, "b.*[]"), ({"a": {"t": 1}}, "a[zip]"), ([1], "*[]")):
        assert exploded(document, text)[1:] == (0, 0, 1)


def test_what_lacks_every_array_is_counted() -> None:
    document = {"m": [{"gauge": {"p": [1]}}, {"sum": {"p": [2]}}, {"histogram": {"p": [3]}}]}
    found = exploded(document, "m[].gauge.p[]", "m[].sum.p[]")
    assert [nodes[0] for nodes in found.elements] == [1, 2]
    assert found.without == 1


@pytest.mark.parametrize("text", ["a", "a[].b", "", "a..b[]", "a[][", 'a"[]'])
def test_what_is_no_array_is_told_with_its_fix(text: str) -> None:
    with pytest.raises(FieldError, match=r"expected names|end it in"):
        Points((text,))


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({"t": [1, 2], "v": [5, 6], "unit": "C"}, [{"t": 1, "v": 5}, {"t": 2, "v": 6}]),
        ({"t": [1, 2], "v": [5]}, [{"t": 1, "v": 5}, {"t": 2}]),
        ({"t": {"0": 1, "1": 2}, "v": {"0": 5, "1": 6}}, [{"t": 1, "v": 5}, {"t": 2, "v": 6}]),
        ([[1, 2], [5, 6], [7, 8]], [[1, 5, 7], [2, 6, 8]]),
        ([{"0": 1}, [5]], [[1, 5]]),
        ([[], []], []),
    ],
)
def test_arrays_side_by_side_are_rows(document: object, rows: list[object]) -> None:
    assert [nodes[0] for nodes in exploded(document, "[zip]").elements] == rows


@pytest.mark.parametrize("document", [[[1, 2], [5]], [[1, 2], 5], [], {}, {"a": {"1": 2}}, {"a": {}}, 7, "x"])
def test_what_does_not_lie_side_by_side_is_none(document: object) -> None:
    """Of arrays in an array that are not as long, no row is known to belong together: none is made up."""
    assert exploded(document, "[zip]").arrays == 0


def senml(*records: object, now: float | None = None) -> list[object]:
    return [nodes[0] for nodes in exploded(list(records), "senml", now=now).elements]


def test_base_fields_of_senml_hold_for_what_follows() -> None:
    base = {"bn": "dev:", "bt": 1769860800, "bu": "Cel", "bv": 20}
    assert senml(base | {"n": "t", "v": 0.5}, {"n": "u", "t": 5, "v": 1}, {"bn": "b", "v": 2}) == [
        base | {"n": "dev:t", "t": 1769860800, "v": 20.5, "u": "Cel"},
        {"n": "dev:u", "t": 1769860805, "v": 21, "u": "Cel"},
        {"bn": "b", "n": "b", "t": 1769860800, "v": 22, "u": "Cel"},
    ]


def test_small_times_of_senml_are_relative_to_the_record() -> None:
    assert senml({"n": "a", "v": 1}, {"n": "a", "t": -5, "v": 1}, now=1769860800.5) == [
        {"n": "a", "t": 1769860800.5, "v": 1},
        {"n": "a", "t": 1769860795.5, "v": 1},
    ]
    assert senml({"n": "a", "v": 1}) == [{"n": "a", "t": None, "v": 1}]


@given(
    json_values,
    st.sampled_from(["[]", "senml", "a[]", "[].b[]", "[][]", "*[]", "a.*[]", "[zip]"]),
    st.none() | st.floats(0, 1e12),
)
def test_anything_is_taken_apart(document: object, text: str, now: float | None) -> None:
    found = exploded(document, text, now=now)
    assert found.arrays >= (1 if found.elements else 0)


fields = st.dictionaries(st.sampled_from(["bn", "bt", "bv", "bu", "n", "t", "v", "u"]), json_values)


@given(st.lists(fields | json_values, max_size=4), st.none() | st.floats(0, 1e12))
def test_any_senml_gives_an_element_for_each(pack: list[object], now: float | None) -> None:
    assert len(exploded(pack, "senml", now=now).elements) == len(pack)

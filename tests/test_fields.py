"""Laws of fields: what a path names is found wherever JSON can hold it, and a wrong text is told with its fix."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.fields import Keys, Template, is_template, key_text, one_field, template
from pipeline.events.paths import UNSET, FieldError, Path, Place
from pipeline.messages import Record
from tests.json_values import json_values

RECORD = Record("plant", 0, 7, -1, b"k-1", None, (("h", b"old"), ("h", b"new"), ("none", None), ("bad", b"\xff")))


def found(text: str, *nodes: object, record: Record = RECORD) -> object:
    return template(text).find(Place(record, nodes))


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("a", {"a": 1}),
        ("a.b", {"a": {"b": 1}}),
        ("a.b", {"a.b": 1, "a": {"b": 2}}),
        ("a.b.c", {"a": {"b.c": 1}}),
        ("a.b.c", {"a.b": {"c": 1}}),
        ("a.b.c", {"a": {"b": 2}, "a.b": {"c": 1}}),
        ("a.b.c", {"a": {"b": {"x": 0}, "b.c": 1}}),
        ("labels.app.kubernetes.io/name", {"labels": {"app.kubernetes.io/name": 1}}),
        ('labels."app.kubernetes.io/name"', {"labels": {"app.kubernetes.io/name": 1}}),
        ('"a.b".c', {"a.b": {"c": 1}}),
        ("a[0]", {"a": [1, 2]}),
        ("a.0", {"a": [1, 2]}),
        ("a[-1].b", {"a": [{"b": 2}, {"b": 1}]}),
        ("0", [1, 2]),
        ("[1]", [2, 1]),
        ("[0][1]", [[2, 1]]),
        ("a[key=host.name].value", {"a": [{"key": "x", "value": 2}, 7, {"key": "host.name", "value": 1}]}),
        ("a[id=7].v", {"a": [{"id": 7, "v": 1}]}),
        ("°C", {"°C": 1}),
        ("switch:0.apower", {"switch:0": {"apower": 1}}),
        ("@timestamp", {"@timestamp": 1}),
        ("two words", {"two words": 1}),
        ('"a""b".c', {'a"b': {"c": 1}}),
        ('""""', {'"': 1}),
    ],
)
def test_a_path_finds_what_it_names(path: str, node: object) -> None:
    assert found(path, node) == 1


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("a", {}),
        ("a", []),
        ("a", 7),
        ("a.b", {"a": 7}),
        ("a.b", {"a": [{"b": 1}]}),
        ('"a.b"', {"a": {"b": 1}}),
        ("a[2]", {"a": [1, 2]}),
        ("a[-3]", {"a": [1, 2]}),
        ("a[0]", {"a": {"0": 1}}),
        ("a.99999999999999999999", {"a": [1]}),
        ("a[key=x].v", {"a": [{"key": "y", "v": 1}]}),
        ("a[key=x].v", {"a": {"key": "x", "v": 1}}),
    ],
)
def test_what_is_not_there_is_not_found(path: str, node: object) -> None:
    assert found(path, node) is UNSET


def test_an_element_goes_before_what_it_lies_in() -> None:
    assert found("a", {"b": 1}, {"a": 2}, {"a": 3}) == 2
    assert found("a", {"a": None}, {"a": 2}) is None, "null is there"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a}/{b.c}", "x/5"),
        ("{a}", "x"),
        ("pre-{a}", "pre-x"),
        ("{key}", "k-1"),
        ("{topic}:{key}", "plant:k-1"),
        ("{header:h}", "new"),
        ('{"key"}', "inner"),
        ("{ a }", "x"),
        ("{on}{n}", "true1.5"),
        ("'boiler'", "boiler"),
        ("'{a}'", "{a}"),
        ("a", "x"),
        ('{"q""{u}"}', "quoted"),
        ("{a}/{gone?}/{b.c?}", "x//5"),
        ("{a}/{null?}", "x/"),
        ("{gone?}-{header:gone?}-{key?}", "--k-1"),
        ('{a}{"a?"}', "x?"),
    ],
)
def test_a_name_is_put_together(text: str, expected: str) -> None:
    node = {"a": "x", "b": {"c": 5}, "key": "inner", "on": True, "n": 1.5, "null": None, "a?": "?", 'q"{u}': "quoted"}
    assert found(text, node) == expected


@pytest.mark.parametrize(
    "text",
    ["{a}/{gone}", "{a}/{null}", "{a}/{list}", "{a}/{list?}", "{gone?}/{null?}", "{header:gone}", "{header:none}"],
)
def test_without_a_part_there_is_no_name(text: str) -> None:
    assert found(text, {"a": "x", "null": None, "list": [1]}) is UNSET


@given(st.lists(st.sampled_from(["x", "y", None]), min_size=2, max_size=3), st.data())
def test_names_with_parts_left_out_are_as_different_as_their_parts(
    parts: list[str | None], data: st.DataObject
) -> None:
    others = data.draw(st.lists(st.sampled_from(["x", "y", None]), min_size=len(parts), max_size=len(parts)))
    text = "/".join(["{id}", *(f"{{{index}?}}" for index in range(len(parts)))])
    names = [found(text, {"id": "i"} | {str(index): each for index, each in enumerate(one)}) for one in (parts, others)]
    assert (names[0] == names[1]) == (parts == others)


def test_without_a_key_there_is_no_name() -> None:
    assert found("{key}", {}, record=Record("t", 0, 0, -1, None, None)) is UNSET


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(FieldError, match="header `bad` is not UTF-8"):
        found("{header:bad}", {})


@pytest.mark.parametrize(
    ("key", "kind", "expected"),
    [
        (b"pump", "utf8", "pump"),
        ((-7).to_bytes(4, "big", signed=True), "int", "-7"),
        ((2**40).to_bytes(8, "big"), "int", str(2**40)),
        (b"\x00\xff", "hex", "00ff"),
    ],
)
def test_a_key_is_text_an_integer_or_hex(key: bytes, kind: Keys, expected: str) -> None:
    assert key_text(key, kind) == expected


@pytest.mark.parametrize(("key", "kind"), [(b"\xff", "utf8"), (b"abc", "int"), (b"\x00" * 16, "int")])
def test_a_key_of_another_kind_is_told(key: bytes, kind: Keys) -> None:
    with pytest.raises(FieldError, match=r"events\.key"):
        key_text(key, kind)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", 'a"b', '"a', "a[", "a[]", "a[x]", "{", "{a", "a}", "{a}}", "{}", "{a..b}/x"]
)
def test_a_text_that_is_no_field_is_told_with_an_example(text: str) -> None:
    with pytest.raises(FieldError, match=r"such as (data\.value|\{name\})"):
        template(text)


def test_one_field_is_asked_for_where_one_is_wanted() -> None:
    for text in ("{a}/{b}", "'x'", "x{a}"):
        with pytest.raises(FieldError, match="is not one field"):
            one_field(text)


def test_a_path_is_no_template() -> None:
    assert [is_template(text) for text in ("a.b", '"a.b"', "{a}", "'a'")] == [False, False, True, True]


@given(st.text(), json_values)
def test_any_text_is_a_field_or_refused_and_finds_something_or_nothing(text: str, node: object) -> None:
    read = compiled(text)
    assert read is None or read.find(Place(Record("t", 0, 0, -1, b"k", None), (node,))) is not ...


def compiled(text: str) -> Template | None:
    try:
        return template(text)
    except FieldError:
        return None


names = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1)


@given(st.lists(names, min_size=1, max_size=5))
def test_names_in_quotes_are_found_however_they_are_spelt(spelt: list[str]) -> None:
    node: object = 1
    for name in reversed(spelt):
        node = {name: node}
    assert Path(".".join(f'"{name}"' for name in spelt)).look(json.loads(json.dumps(node))) == 1

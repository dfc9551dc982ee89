"""Laws of dead letters: they carry the record unchanged, and why, and are never too large to be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dead_letters import Reject, cut, dead_letter, dead_letters
from pipeline.messages import Record

headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=3).map(tuple)
stamps = st.integers(-1, 2**63 - 1)
keys = st.none() | st.binary()


@given(st.builds(Record, st.text(), st.integers(0), st.integers(0), stamps, keys, keys, headers), st.text())
def test_a_dead_letter_carries_the_record_unchanged_and_why(bad: Record, detail: str) -> None:
    letter = dead_letter(bad, Reject("not_json", detail, None, "value"))
    assert letter.value == bad.value
    assert letter.key == (b"" if bad.key is None and bad.value is None else bad.key)
    assert letter.headers[: len(bad.headers)] == tuple((name, content or b"") for name, content in bad.headers)
    why = dict(letter.headers[len(bad.headers) :])
    assert why["lstm_stream.reason"] == b"not_json"
    assert why["lstm_stream.field"] == b"value"
    assert why["lstm_stream.topic"] == bad.topic.encode()
    assert why["lstm_stream.partition"] == str(bad.partition).encode()
    assert why["lstm_stream.offset"] == str(bad.offset).encode()
    assert why.keys().isdisjoint({"lstm_stream.series", "lstm_stream.truncated"})
    assert ("lstm_stream.null_key" in why) is (bad.key is None and bad.value is None)


def size(key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> int:
    return len(key or b"") + len(value or b"") + sum(len(name) + len(content) for name, content in headers)


@pytest.mark.parametrize(
    ("key", "value", "header", "kept"),
    [
        (10, 2_000_000, 10, "key headers value"),
        (10, 899_999, 10, "key headers value"),
        (10, 10, 2_000_000, "key value"),
        (2_000_000, 10, 10, ""),
        (2_000_000, 2_000_000, 2_000_000, ""),
    ],
)
def test_a_dead_letter_too_large_for_a_record_is_cut(key: int, value: int, header: int, kept: str) -> None:
    bad = Record("events", 0, 7, -1, b"k" * key, b"v" * value, (("h", b"x" * header),))
    letter = cut(dead_letter(bad, Reject("not_json", "found noise")), 900_000)
    assert 800_000 * bool(kept == "key headers value") < size(letter.key, letter.value, letter.headers) <= 900_000
    assert (letter.key == bad.key) is ("key" in kept)
    assert (letter.headers[:1] == bad.headers) is ("headers" in kept)
    assert letter.value is not None
    assert bad.value is not None
    assert bad.value.startswith(letter.value)
    assert bool(letter.value) is ("value" in kept)
    told = dict(letter.headers)["lstm_stream.truncated"].decode()
    assert told == f"it had key {key}, value {value}, headers {header + 1} bytes"


def test_a_dead_letter_cut_again_tells_once_what_it_had() -> None:
    bad = Record("events", 0, 7, -1, b"k", b"v" * 2_000_000, (("lstm_stream.reason", b"of an earlier life"),))
    whole = dead_letter(bad, Reject("not_json", "found noise"))
    assert cut(cut(whole, 900_000), 5_000) == cut(whole, 5_000)
    assert [name for name, _ in cut(whole, 5_000).headers].count("lstm_stream.truncated") == 1
    assert cut(whole, 3_000_000) == whole


@given(st.integers(0, 3000), st.none() | st.binary(max_size=2000), st.none() | st.binary(max_size=2000), headers)
def test_a_dead_letter_takes_no_more_than_the_limit_and_its_whys(
    limit: int, key: bytes | None, value: bytes | None, own: tuple[tuple[str, bytes | None], ...]
) -> None:
    letter = cut(dead_letter(Record("events", 0, 7, -1, key, value, own), Reject("not_json", "noise")), limit)
    assert size(letter.key, letter.value, letter.headers) <= max(limit, 300)
    assert letter.key is not None or letter.value is not None


def test_a_dead_letter_of_one_event_of_many_tells_which() -> None:
    record = Record("events", 0, 7, -1, None, b"[1, 2]")
    (letter,) = dead_letters([(Reject("bad_value", "x", index=1), record)])
    assert dict(letter.headers)["lstm_stream.index"] == b"1"
    assert "lstm_stream.index" not in dict(dead_letter(record, Reject("bad_value", "x")).headers)


def test_a_large_record_of_many_bad_events_is_sent_whole_as_long_as_that_is_a_megabyte() -> None:
    large, small = Record("events", 0, 7, -1, b"k", b"v" * 400_000), Record("events", 0, 8, -1, b"k", b"v")
    each = [(Reject("bad_value", "x", index=index), record) for record in (large, small) for index in range(100)]
    letters = dead_letters(each)
    assert [len(letter.value or b"") for letter in letters] == [400_000] * 2 + [0] * 98 + [1] * 100
    assert dict(letters[50].headers)["lstm_stream.truncated"] == b"it had key 1, value 400000, headers 0 bytes"
    assert "lstm_stream.truncated" not in dict(letters[1].headers)
    huge = dead_letters([(Reject("bad_value", "x"), Record("events", 0, 7, -1, None, b"v" * 3_000_000))])
    assert len(huge[0].value or b"") == 3_000_000, "an only one is cut by who sends it, if it must be"

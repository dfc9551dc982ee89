"""Dead letters: what is refused goes on unchanged, with the reason in its headers."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from pipeline.messages import Outgoing, Record

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "the record has no value (a tombstone or zero bytes)",
        "not_utf8": "the value is not UTF-8 text",
        "not_json": "the value is not JSON",
        "too_deep": "the JSON is nested too deeply to be read",
        "binary_format": "the value is Avro, Protobuf, compressed or otherwise binary; the detail says which",
        "not_an_object": "the JSON, or an element of events.points, is not an object",
        "missing_points": "no array lies where events.points says",
        "missing_series": "neither the event nor the record's key names a series, or a part of the name is absent",
        "bad_series": "the series' name is not a string or a number, or is not valid text",
        "series_too_long": "the series' name has more than 1024 characters",
        "missing_timestamp": "neither the event nor the record has a time",
        "bad_timestamp": "the timestamp is neither a date nor a number, or not as events.timestamp_format says",
        "ambiguous_timestamp": "the timestamp may be day/month or month/day, or names its zone by an abbreviation such"
        " as CEST; set events.timestamp_format or events.timezone",
        "implausible_timestamp": "the timestamp is a number that means a time before 1980 or 20 years from the"
        " record's own; set events.timestamp_format",
        "negative_timestamp": "the timestamp is a negative number",
        "timestamp_out_of_range": "the timestamp lies outside of the years 1 to 9999",
        "timestamp_ahead": "the timestamp is further ahead of the record's own time than events.max_ahead",
        "timestamp_jump": "the timestamp is further ahead of its series' last one than events.max_gap steps, and the"
        " one before does not agree with it",
        "missing_value": "the event has no field for this value",
        "bad_value": "the value is neither a number, a numeric string nor null; see events.missing, events.booleans",
        "null_before_first_value": "the series' first value is null, so there is nothing to forecast from",
        "value_out_of_range": "the value is NaN, infinite or beyond 1e30 in size",
    }
)
"""Why a record is refused: each reason and what it means. No other reason is ever given."""

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "empty": 'skip tombstones with events.where, such as ["value exists"]',
        "not_utf8": "let the producer write JSON in UTF-8",
        "not_json": "convert the records to JSON on the way",
        "too_deep": "let the producer write JSON that is less nested",
        "not_an_object": "let events.points name the array that holds the events",
        "missing_series": "let events.series name a field that tells the series, or key the records",
        "bad_series": "let events.series name a field that holds text or a number",
        "series_too_long": "let events.series name a shorter field",
        "missing_timestamp": "let events.timestamp name the field of the time",
        "bad_timestamp": "let events.timestamp name the field of the time, or set how it is written",
        "negative_timestamp": "let events.timestamp name the field of the time",
        "timestamp_out_of_range": "let events.timestamp name the field of the time, or set its unit",
        "implausible_timestamp": "set events.timestamp_format to the unit or the pattern of the times",
        "ambiguous_timestamp": "set events.timestamp_format to the pattern of the times, or events.timezone",
        "timestamp_jump": "correct the clocks, or raise events.max_gap if such gaps are usual",
        "missing_points": "let events.points name the array",
        "binary_format": "convert the records to JSON on the way",
        "timestamp_ahead": "set the unit or the zone of the times, or raise events.max_ahead",
        "missing_value": "let events.values name the fields that hold the values",
        "bad_value": "let events.values name fields that hold numbers",
        "value_out_of_range": "let events.values name another field, or mend the producer",
        "null_before_first_value": "let events.values name a field that is not always null",
    }
)
"""By reason of a dead letter: which setting may mend it."""


def markdown() -> str:
    """Write `REASONS` for the manual."""
    rows = [f"| `{reason}` | {meaning} |" for reason, meaning in REASONS.items()]
    return "\n".join(["| reason | means |", "|---|---|", *rows]) + "\n"


class Reject(msgspec.Struct, frozen=True, gc=False):
    """Why an event, or one value of it, is refused.

    Attributes
    ----------
    reason
        One of `REASONS`.
    detail
        What was found, for whoever has to mend the producer.
    series
        The series it would have been, None if that is unknown.
    field
        Dotted path of the field at fault, None if it is the whole event.
    index
        Which of the record's events it is, from 0, where it holds several (`events.points`, lines); else None.
    """

    reason: str
    detail: str
    series: str | None = None
    field: str | None = None
    index: int | None = None


class RefusedError(Exception):
    """Raised where an event is found bad, caught by the decoder, which makes a Reject of it."""

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.field = field

    def reject(self, series: str | None, index: int | None) -> Reject:
        return Reject(self.reason, self.detail, series, self.field, index)


REASON, TRUNCATED, NULL_KEY = "lstm_stream.reason", "lstm_stream.truncated", "lstm_stream.null_key"


def dead_letter(record: Record, reject: Reject) -> Outgoing:
    """Make the dead letter of a record: key, value and headers as they came, and why in more headers.

    Two things the client cannot send. A header without content becomes an empty one. A record without key and value
    gets an empty key, and the header ``lstm_stream.null_key`` tells.
    """
    headers = tuple((name, content or b"") for name, content in record.headers)
    letter = Outgoing(record.key, record.value, headers + _why(record, reject))
    if record.key is None and record.value is None:
        return Outgoing(b"", None, (*letter.headers, (NULL_KEY, b"true")))
    return letter


def dead_letters(rejects: Iterable[tuple[Reject, Record]]) -> list[Outgoing]:
    """Make the dead letters of these, those of one record one after the other.

    A record of many bad events would be sent many times: its letters carry it whole up to `MOST_COPIED` bytes in all,
    and from then on without its value, which the header ``lstm_stream.truncated`` tells.
    """
    letters: list[Outgoing] = []
    of, copied = -1, 0
    for reject, record in rejects:
        of, copied = record.offset, 0 if record.offset != of else copied
        letter = dead_letter(record, reject)
        letters.append(letter if copied == 0 or copied + len(letter.value or b"") <= MOST_COPIED else _hollow(letter))
        copied += len(letter.value or b"")
    return letters


def _hollow(letter: Outgoing) -> Outgoing:
    theirs, _ = whys(letter.headers)
    return Outgoing(letter.key, b"", (*letter.headers, (TRUNCATED, _sizes(letter.key, letter.value, theirs))))


MOST_COPIED = 1_000_000  # bytes


def cut(letter: Outgoing, limit: int) -> Outgoing:
    """Cut a dead letter to what a topic takes.

    Parameters
    ----------
    letter
        A dead letter, cut before or not.
    limit
        Bytes that key, value and headers may take together. What goes beyond is cut: the value first, then
        the record's own headers, then the key. The header ``lstm_stream.truncated`` tells the sizes it had.
    """
    key, value = letter.key, letter.value
    if _size(key, value, letter.headers) <= limit:
        return letter
    theirs, ours = whys(letter.headers)
    if TRUNCATED not in dict(ours):
        ours += ((TRUNCATED, _sizes(key, value, theirs)),)
    if _size(key, None, theirs + ours) > limit:
        theirs = ()
    key = None if key is None else key[: max(0, limit - _size(None, None, theirs + ours))]
    room = max(0, limit - _size(key, None, theirs + ours))
    return Outgoing(key, None if value is None else value[:room], theirs + ours)


Headers = tuple[tuple[str, bytes], ...]


def _why(record: Record, reject: Reject) -> Headers:
    told = {
        REASON: reject.reason,
        "lstm_stream.detail": reject.detail,
        "lstm_stream.series": reject.series,
        "lstm_stream.field": reject.field,
        "lstm_stream.index": None if reject.index is None else str(reject.index),
        "lstm_stream.topic": record.topic,
        "lstm_stream.partition": str(record.partition),
        "lstm_stream.offset": str(record.offset),
        "lstm_stream.timestamp": None if record.timestamp < 0 else str(record.timestamp),
    }
    return tuple((name, text.encode(errors="replace")) for name, text in told.items() if text is not None)


def whys(headers: Headers) -> tuple[Headers, Headers]:
    """The record's own headers, and why: a dead letter that came back has whys among its own.

    Raises
    ------
    ValueError
        It is no dead letter.
    """
    start = max(index for index, (name, _) in enumerate(headers) if name == REASON)
    return headers[:start], headers[start:]


_OVERHEAD = 16  # bytes, at most, that a header or the record itself takes beside its text


def _size(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    texts = sum(len(name.encode(errors="replace")) + len(content) + _OVERHEAD for name, content in headers)
    return len(key or b"") + len(value or b"") + texts + _OVERHEAD


def _sizes(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    size = sum(len(name) + len(content) for name, content in headers)
    return f"it had key {len(key or b'')}, value {len(value or b'')}, headers {size} bytes".encode()

"""The bytes on the wire: events become observations, forecasts become bytes, bad records dead letters."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lstm_stream import Observation

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "the record has no value (a tombstone or zero bytes)",
        "not_utf8": "the value is not UTF-8 text",
        "not_json": "the value is not JSON",
        "too_deep": "the JSON is nested too deeply to be read",
        "not_an_object": "the JSON is not an object",
        "missing_series": "neither the event nor the record's key names a series",
        "bad_series": "the series' name is not a string or a number, or is not valid text",
        "series_too_long": "the series' name has more than 1024 characters",
        "missing_timestamp": "neither the event nor the record has a time",
        "bad_timestamp": "the timestamp is neither ISO 8601 nor a number",
        "negative_timestamp": "the timestamp is a negative number",
        "timestamp_out_of_range": "the timestamp lies outside of the years 1 to 9999",
        "timestamp_ahead": "the timestamp is further ahead of the record's own time than events.max_ahead",
        "missing_value": "the event has no field for this value",
        "bad_value": "the value is neither a number, a numeric string nor null (true is not a number)",
        "null_before_first_value": "the series' first value is null, so there is nothing to forecast from",
        "value_out_of_range": "the value is NaN, infinite or beyond 1e30 in size",
    }
)
"""Why a record is refused: each reason and what it means. No other reason is ever given."""

LARGEST_VALUE = 1e30
LONGEST_SERIES = 1024  # characters
LONGEST_NUMBER = 400  # characters of a number that are looked at; a float64 needs fewer
LONGEST_DETAIL = 200  # characters
DIGITS_BELOW_SCALE = 5

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_TIME = (datetime.min - EPOCH) // MICROSECOND
LAST_TIME = (datetime.max - EPOCH) // MICROSECOND


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as Kafka hands it over.

    Attributes
    ----------
    topic, partition, offset
        Where it lies.
    timestamp
        Kafka's own time of it, milliseconds since the epoch, UTC; -1 if it has none.
    key, value
        Bytes, or None.
    headers
        Pairs of name and bytes, or None, in their order.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to be sent; whoever sends it knows the topic. Key or value must be there: the client sends no less."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


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
    """

    reason: str
    detail: str
    series: str | None = None
    field: str | None = None


class Decoded(NamedTuple):
    """What a record holds.

    Attributes
    ----------
    observations, rejects
        Each value of the event is one or the other; there is at least one.
    covariates
        One number for each of the decoder's paths, NaN where it is masked; of a spoilt event, none.
    stood_in
        What the event itself did not tell, so that the record stood in for it: "series" (its key), "timestamp" (its
        own time).
    """

    observations: tuple[Observation, ...]
    rejects: tuple[Reject, ...]
    covariates: tuple[float, ...] = ()
    stood_in: tuple[str, ...] = ()


class _RefusedError(Exception):
    """Raised where an event is found bad, caught by the decoder, which makes a Reject of it."""

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.field = field

    def reject(self, series: str | None) -> Reject:
        return Reject(self.reason, self.detail, series, self.field)


class Decoder(msgspec.Struct, frozen=True):
    """Reads events; every field is found by a dotted path, a key that is spelt exactly like the path wins.

    Attributes
    ----------
    series
        Path of the series' name; where an event has none, the record's key names it.
    timestamp
        Path of the event's time; where an event has none, the record's time stands in.
    values
        Paths of the values. One: it is the series' value. Several: the series are called ``<series>/<path>``.
    covariates
        Paths of numbers known with the event. What is absent or no number is masked, and spoils nothing.
    max_ahead
        Seconds that an event's time may be ahead of the record's own.

    Examples
    --------
    >>> event = b'{"series": "pump", "timestamp": "2026-01-31T12:00:00Z", "value": 4.5}'
    >>> Decoder().decode(Record("events", 0, 7, -1, None, event)).observations
    (Observation(series='pump', time=1769860800000000, value=4.5),)
    """

    series: str = "series"
    timestamp: str = "timestamp"
    values: tuple[str, ...] = ("value",)
    covariates: tuple[str, ...] = ()
    max_ahead: float = 86400.0

    def decode(self, record: Record) -> Decoded:
        """Read one record. Whatever its bytes are, this raises nothing.

        What spoils the event as a whole is one reject; a bad value among several is a reject of its own.
        """
        series = None
        try:
            event = _event(record.value)
            series = _series(event, self.series, record.key)
            time = _time(event, self.timestamp, record.timestamp, self.max_ahead)
        except _RefusedError as refused:
            return Decoded((), (refused.reject(series),))
        if len(self.values) == 1:
            found = _one_value(event, series, time, self.values[0])
        else:
            found = _several_values(event, series, time, self.values)
        stood_in = self._stood_in(event)
        if not self.covariates and not stood_in:
            return found
        return found._replace(covariates=_covariates(event, self.covariates), stood_in=stood_in)

    def _stood_in(self, event: dict[str, object]) -> tuple[str, ...]:
        paths = (("series", self.series), ("timestamp", self.timestamp))
        return tuple(role for role, path in paths if _field(event, path) in (None, msgspec.UNSET))


def _one_value(event: dict[str, object], series: str, time: int, path: str) -> Decoded:
    try:
        return Decoded((Observation(series, time, _value(event, path)),), ())
    except _RefusedError as refused:
        return Decoded((), (refused.reject(series),))


def _several_values(event: dict[str, object], series: str, time: int, paths: tuple[str, ...]) -> Decoded:
    each = [_one_value(event, f"{series}/{path}", time, path) for path in paths]
    return Decoded(
        tuple(observation for one in each for observation in one.observations),
        tuple(reject for one in each for reject in one.rejects),
    )


def _event(value: bytes | None) -> dict[str, object]:
    if not value:
        raise _RefusedError("empty", "the record has no value")
    try:
        event: object = msgspec.json.decode(value)
    except RecursionError:
        raise _RefusedError("too_deep", f"{len(value)} bytes, nested beyond what can be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        event = _leniently(value)
    if type(event) is not dict:
        raise _RefusedError("not_an_object", f"found {_shown(event)}, expected an object")
    return event


def _leniently(value: bytes) -> object:
    """Read what strict JSON forbids (NaN, 1e400, lone surrogates): only the field that has it is refused."""
    try:
        return json.loads(value.decode(), parse_int=_whole)
    except UnicodeDecodeError as error:
        raise _RefusedError("not_utf8", f"{error.reason} at byte {error.start}") from None
    except RecursionError:
        raise _RefusedError("too_deep", f"{len(value)} bytes, nested beyond what can be read") from None
    except json.JSONDecodeError as error:
        raise _RefusedError("not_json", f"{error.msg} at character {error.pos}") from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_NUMBER else float(digits)


def _field(event: dict[str, object], path: str) -> object:
    """Find what lies at a dotted path; `msgspec.UNSET` if nothing does."""
    found = event.get(path, msgspec.UNSET)
    if found is not msgspec.UNSET or "." not in path:
        return found
    found = event
    for name in path.split("."):
        if type(found) is not dict:
            return msgspec.UNSET
        found = found.get(name, msgspec.UNSET)
    return found


def _series(event: dict[str, object], path: str, key: bytes | None) -> str:
    found = _field(event, path)
    if type(found) is str:
        return _name(found, path)
    if found is None or found is msgspec.UNSET:
        return _name_in_key(path, key)
    if type(found) is int or (type(found) is float and math.isfinite(found)):
        return _name(str(found), path)
    raise _RefusedError("bad_series", f"found {_shown(found)}, expected a string or a number", path)


def _name_in_key(path: str, key: bytes | None) -> str:
    if not key:
        raise _RefusedError("missing_series", f"no field `{path}` and no key", path)
    try:
        return _name(key.decode(), None)
    except UnicodeDecodeError as error:
        detail = f"no field `{path}`, and the key is not UTF-8: {error.reason} at byte {error.start}"
        raise _RefusedError("bad_series", detail) from None


def _name(name: str, path: str | None) -> str:
    if not name:
        raise _RefusedError("bad_series", "the name is empty", path)
    if len(name) > LONGEST_SERIES:
        raise _RefusedError("series_too_long", f"{len(name)} characters, at most {LONGEST_SERIES} are allowed", path)
    if not name.isascii() and not _is_text(name):
        raise _RefusedError("bad_series", f"{_shown(name)} holds a lone surrogate", path)
    return name


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(event: dict[str, object], path: str, timestamp: int, max_ahead: float) -> int:
    """Find the event's time in microseconds since the epoch."""
    found = _field(event, path)
    if found is None or found is msgspec.UNSET:
        return _time_of_record(path, timestamp)
    time = _stamp(found, path)
    if not FIRST_TIME <= time <= LAST_TIME:
        raise _RefusedError("timestamp_out_of_range", f"found {_shown(found)}", path)
    if timestamp >= 0 and time - timestamp * 1000 > max_ahead * 1e6:
        ahead = (time - timestamp * 1000) / 1e6
        raise _RefusedError("timestamp_ahead", f"{_shown(found)} is {ahead:.0f} s ahead of the record", path)
    return time


def _time_of_record(path: str, timestamp: int) -> int:
    if timestamp < 0:
        raise _RefusedError("missing_timestamp", f"no field `{path}`, and the record has no time either", path)
    if timestamp * 1000 > LAST_TIME:
        raise _RefusedError("timestamp_out_of_range", f"the record's own time is {timestamp} ms")
    return timestamp * 1000


def _stamp(found: object, path: str) -> int:
    if type(found) is str:
        number = None if found[4:5] == "-" else _numeric(found)
        return _iso(found, path) if number is None else _since_epoch(number, path)
    if type(found) is int or type(found) is float:
        return _since_epoch(found, path)
    raise _RefusedError("bad_timestamp", f"found {_shown(found)}, expected ISO 8601 text or a number", path)


def _iso(text: str, path: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _RefusedError("bad_timestamp", f"found {_shown(text)}, expected ISO 8601 text", path) from None
    since = moment - (EPOCH if moment.tzinfo is None else EPOCH_UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def _since_epoch(number: float, path: str) -> int:
    """Turn seconds, milliseconds, microseconds or nanoseconds into microseconds; which it is the size tells.

    Below 1e11 they are seconds (up to the year 5138), then come milliseconds (from 1973), and so on.
    """
    if number < 0:
        raise _RefusedError("negative_timestamp", f"found {_shown(number)}", path)
    if number < 1e11:
        return number * 1_000_000 if type(number) is int else round(number * 1e6)
    if number < 1e14:
        return number * 1000 if type(number) is int else round(number * 1e3)
    if number < 1e17:
        return int(number)
    if number < 1e21:
        return int(number) // 1000
    raise _RefusedError("timestamp_out_of_range", f"found {_shown(number)}", path)  # NaN comes here, too


def _value(event: dict[str, object], path: str) -> float:
    found = _field(event, path)
    if type(found) is str:
        found = _numeric(found) if _numeric(found) is not None else found
    if type(found) is float or type(found) is int:
        if -LARGEST_VALUE <= found <= LARGEST_VALUE:
            return float(found)
        raise _RefusedError("value_out_of_range", f"found {_shown(found)}", path)
    if found is None:
        return math.nan
    if found is msgspec.UNSET:
        raise _RefusedError("missing_value", f"no field `{path}`; null says that a value is known to be missing", path)
    raise _RefusedError("bad_value", f"found {_shown(found)}, expected a number", path)


def _covariates(event: dict[str, object], paths: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(_covariate(_field(event, path)) for path in paths)


def _covariate(found: object) -> float:
    """Read a number known with the event; what is none becomes NaN, which masks it."""
    if type(found) is str:
        found = _numeric(found)
    if (type(found) is float or type(found) is int or type(found) is bool) and abs(found) <= LARGEST_VALUE:
        return float(found)
    return math.nan


_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def _numeric(text: str) -> int | float | None:
    """Read a numeric string; None if it is none."""
    if len(text) > LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    return int(text) if text.isdigit() else float(text)


def _shown(found: object) -> str:
    """Show a value in a few words: its JSON if it is short."""
    if isinstance(found, dict | list):
        return f"an {'object' if isinstance(found, dict) else 'array'} of {len(found)}"
    if isinstance(found, str) and len(found) > LONGEST_DETAIL:
        return f"{json.dumps(found[:40])}... of {len(found)} characters"
    return json.dumps(found)[:LONGEST_DETAIL]


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
    theirs, ours = _parted(letter.headers)
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
        "lstm_stream.topic": record.topic,
        "lstm_stream.partition": str(record.partition),
        "lstm_stream.offset": str(record.offset),
    }
    return tuple((name, text.encode(errors="replace")) for name, text in told.items() if text is not None)


def _parted(headers: Headers) -> tuple[Headers, Headers]:
    """The record's own headers, and why: a dead letter that came back has whys among its own."""
    start = max(index for index, (name, _) in enumerate(headers) if name == REASON)
    return headers[:start], headers[start:]


_OVERHEAD = 16  # bytes, at most, that a header or the record itself takes beside its text


def _size(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    texts = sum(len(name.encode(errors="replace")) + len(content) + _OVERHEAD for name, content in headers)
    return len(key or b"") + len(value or b"") + texts + _OVERHEAD


def _sizes(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    size = sum(len(name) + len(content) for name, content in headers)
    return f"it had key {len(key or b'')}, value {len(value or b'')}, headers {size} bytes".encode()


class Model(msgspec.Struct, frozen=True, gc=False):
    """The model behind a forecast: its learning steps, and the LSTM's share in the mean (0 to 1, or None)."""

    updates: int
    lstm_share: float | None


class Source(msgspec.Struct, frozen=True, gc=False):
    """The record that made the forecast."""

    topic: str
    partition: int
    offset: int


class ForecastMessage(msgspec.Struct, frozen=True):
    """A forecast as it is published.

    Attributes
    ----------
    id
        The same for the same series and origin (`forecast_id`), so that a repeat is recognised.
    series
        What is forecast.
    origin
        Time of the last observation that the forecast knows, ISO 8601, UTC (`iso8601`).
    step_seconds
        Seconds from one step to the next; None where one event is one step.
    horizon
        How many steps ahead, H.
    mean
        For steps 1..H.
    quantiles
        By level as text ("0.05"), each for steps 1..H.
    surprise
        0 to 1: how far out in the forecast before it the new observation lies; None while warming.
    status
        "warming" or "ok".
    model, source
        Of which model, by which record.
    """

    id: str
    series: str
    origin: str
    step_seconds: float | None
    horizon: int
    mean: list[float]  # (H,)
    quantiles: dict[str, list[float]]  # (H,) each
    surprise: float | None
    status: str
    model: Model
    source: Source


def iso8601(time: int) -> str:
    """Write microseconds since the epoch as ISO 8601 in UTC; microseconds only where there are some.

    Examples
    --------
    >>> iso8601(1769860800000000), iso8601(1769860800250000)
    ('2026-01-31T12:00:00Z', '2026-01-31T12:00:00.250000Z')
    """
    return (EPOCH + timedelta(microseconds=time)).isoformat() + "Z"


def forecast_id(series: str, origin: str) -> str:
    """Name the forecast of a series from an origin (`iso8601`): the same again whenever it is made again."""
    return f"{series}@{origin}"


_encoder = msgspec.json.Encoder()
_forecasts = msgspec.json.Decoder(ForecastMessage)


def encode_forecast(message: ForecastMessage) -> bytes:
    """Write a forecast as JSON.

    Raises
    ------
    ValueError
        If a number in it is NaN or infinite (JSON has neither): the model must never let one through.
    """
    total = sum(message.mean) + sum(map(sum, message.quantiles.values()))
    others = (message.surprise or 0.0) + (message.step_seconds or 0.0) + (message.model.lstm_share or 0.0)
    if not math.isfinite(total + others):
        raise ValueError(f"the forecast {message.id} holds a number that is not finite")
    return _encoder.encode(message)


def decode_forecast(value: bytes) -> ForecastMessage:
    """Read a forecast; raises `msgspec.DecodeError` if it is none."""
    return _forecasts.decode(value)


_POWERS = np.array([float(f"1e{power}") for power in range(308)])


def rounded(values: ArrayLike, scale: ArrayLike) -> NDArray[np.float64]:
    """Round to what a series' scale can tell, at least five digits below it; what was ordered stays ordered.

    Parameters
    ----------
    values
        Any shape.
    scale
        Spread of the series in the values' unit; broadcast against the values. Where it is not a positive
        number, values stay as they are.

    Examples
    --------
    >>> rounded([101.23456789, 1234567.5], 1.0).tolist(), rounded(123456.789, 1e7).item()
    ([101.23457, 1234567.5], 123460.0)
    """
    values = np.asarray(values, np.float64)
    decimals = _decimals(np.asarray(scale, np.float64))
    up, down = _POWERS[np.maximum(decimals, 0)], _POWERS[np.maximum(-decimals, 0)]
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = np.rint(values * up / down) * down / up
    finest = 2.0**52 / up * down  # from here on floats have no digit left to round
    return np.where(np.abs(values) < finest, np.clip(nearest, -finest, finest), values) + 0.0  # -0.0 becomes 0.0


def _decimals(scale: NDArray[np.float64]) -> NDArray[np.int64]:
    # By the binary exponent, which is exact: log10 may differ in its last bit between one row and many.
    usable = (scale > 1e-290) & (scale < 1e290)
    exponent = np.frexp(np.where(usable, scale, 1e-290))[1]
    digits: NDArray[np.int64] = DIGITS_BELOW_SCALE - np.floor((exponent - 1) * math.log10(2)).astype(np.int64)
    return digits

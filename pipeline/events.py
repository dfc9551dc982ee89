"""Events: what a record holds, observations or the reasons why not."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import structs

from lstm_stream import Observation
from pipeline.conditions import Condition, conditions
from pipeline.dead_letters import Reject
from pipeline.fields import Field, Template, key_text, one_field, template
from pipeline.framing import FramingError, documents
from pipeline.json_text import inner
from pipeline.messages import Record
from pipeline.paths import UNSET, FieldError, Path, Place, as_text
from pipeline.points import Points
from pipeline.settings import Events
from pipeline.stamps import LAST_TIME, Stamp, StampError, Stamps, numeric, shown

LARGEST_VALUE = 1e30
LONGEST_SERIES = 1024  # characters

BOOLEANS: Mapping[str, float] = MappingProxyType(
    {"on": 1.0, "off": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
)
"""What `events.booleans` reads, in capitals or not."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of a record: each of its values is an observation or a reject.

    Attributes
    ----------
    observations, rejects
        What became of its values; what spoils it as a whole is one reject.
    covariates
        One number for each of the decoder's paths, NaN where it is masked; of a spoilt event, none.
    index
        Which of the record's events it is, where the record holds several; else None.
    series
        The name that its observations begin with; "" of a spoilt event.
    later
        In the hour that autumn repeats, the second reading of its time (`stamps.RepeatedHour`); else None.
    stood_in
        What the event itself did not tell, so that its record stood in for it: "series" (the key), "timestamp" (the
        record's own time).
    """

    observations: tuple[Observation, ...]
    rejects: tuple[Reject, ...] = ()
    covariates: tuple[float, ...] = ()
    index: int | None = None
    series: str = ""
    later: int | None = None
    stood_in: tuple[str, ...] = ()


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """What a record holds.

    Attributes
    ----------
    events
        In their order; none where all of it is skipped.
    skipped
        Why something is not for us, once for each: where (`events.where`), absent (a value path, with `events.absent
        = "skip"`), no_points (an empty array, or an object without the array to explode).
    """

    events: tuple[Event, ...]
    skipped: tuple[str, ...] = ()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Those of all events."""
        return tuple(one for event in self.events for one in event.observations)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Those of all events."""
        return tuple(one for event in self.events for one in event.rejects)


class _RefusedError(Exception):
    """Raised where an event is found bad, caught by the decoder, which makes a Reject of it."""

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.field = field

    def reject(self, series: str | None, index: int | None) -> Reject:
        return Reject(self.reason, self.detail, series, self.field, index)


DEFAULTS = Events()


class Decoder:
    """Reads events.

    Parameters
    ----------
    events
        Where a record keeps what; the settings `[events]`.

    Examples
    --------
    >>> event = b'{"series": "pump", "timestamp": "2026-01-31T12:00:00Z", "value": 4.5}'
    >>> Decoder().decode(Record("events", 0, 7, -1, None, event)).observations
    (Observation(series='pump', time=1769860800000000, value=4.5),)
    """

    def __init__(self, events: Events = DEFAULTS) -> None:
        self._settings = events
        self._series = template(events.series, events.key)
        self._key_stands_in = len(self._series.parts) == 1 and isinstance(self._series.parts[0], Path)
        self._timestamp = template(events.timestamp, events.key)
        self._stamps = Stamps(events.timestamp_format, events.timezone)
        self._values = tuple(Path(path) for path in events.values)
        self._covariates: tuple[Field, ...] = tuple(one_field(path, events.key) for path in events.covariates)
        self._points = Points(events.points) if events.points else None
        where = conditions(events.where, events.key)
        self._where_of_record = tuple(one for one in where if one.is_of_record)
        self._where_of_event = tuple(one for one in where if not one.is_of_record)
        self._skips_absent = events.absent == "skip"
        self._number = comma_number if events.decimal == "comma" else numeric
        self._missing = frozenset(text.strip().lower() for text in events.missing)
        numbers = map(self._number, events.missing)
        self._missing_numbers = frozenset(float(number) for number in numbers if number is not None)

    def decode(self, record: Record) -> Decoded:
        """Read one record. Whatever its bytes are, this raises nothing.

        What spoils an event as a whole is one reject; a bad value among several is a reject of its own.
        """
        if self._where_of_record and not _hold(self._where_of_record, Place(record, ())):
            return Decoded((), ("where",))
        try:
            found = documents(record, self._is_word)
        except FramingError as error:
            if error.reason == "empty" and not _hold(self._where_of_event, Place(record, ())):
                return Decoded((), ("where",))  # of a tombstone no field is there
            return Decoded((Event((), (Reject(error.reason, error.detail),)),))
        if self._points is None and len(found) == 1:
            skipped: list[str] = []
            event = self._event(Place(record, (found[0],)), None, skipped)
            return Decoded((event,) if event is not None else (), tuple(skipped))
        return self._several(record, found)

    def _several(self, record: Record, found: Sequence[object]) -> Decoded:
        skipped: list[str] = []
        events: list[Event] = []
        for index, nodes in enumerate(self._elements(record, found, skipped)):
            if isinstance(nodes, FramingError):
                place_of_it = index if len(found) > 1 else None
                events.append(Event((), (Reject(nodes.reason, nodes.detail, index=place_of_it),), index=place_of_it))
                continue
            event = self._event(Place(record, nodes), index, skipped)
            if event is not None:
                events.append(event)
        return Decoded(tuple(events), tuple(skipped))

    def _elements(
        self, record: Record, found: Sequence[object], skipped: list[str]
    ) -> Iterator[tuple[object, ...] | FramingError]:
        """Each document, or each element of its arrays, with what it lies in."""
        for document in found:
            if isinstance(document, FramingError):
                yield document
            elif self._points is None:
                yield (document,)
            else:
                yield from self._exploded(self._points, Place(record, (document,)), skipped)

    def _exploded(
        self, points: Points, place: Place, skipped: list[str]
    ) -> Iterator[tuple[object, ...] | FramingError]:
        """The elements of a document's arrays."""
        timestamp = place.record.timestamp
        exploded = points.explode(place.nodes[0], timestamp / 1000 if timestamp >= 0 else None)
        if exploded.arrays:
            yield from exploded.elements
            skipped += ["no_points"] * (exploded.without + exploded.empty)
        elif not _hold(self._where_of_event, place):
            skipped.append("where")
        elif self._skips_absent:
            skipped.append("absent")
        else:
            yield FramingError("missing_points", _no_points(points.texts, place.nodes[0]))

    def _is_word(self, text: str) -> bool:
        """Whether a text that is no JSON, or text in JSON, is a value all the same."""
        lower = text.lower()
        if lower in self._missing or self._number(text) is not None:
            return True
        return self._settings.booleans and lower in BOOLEANS

    def _event(self, place: Place, index: int | None, skipped: list[str]) -> Event | None:
        if self._where_of_event and not _hold(self._where_of_event, place):
            skipped.append("where")
            return None
        series = None
        try:
            if type(place.nodes[0]) is not dict:
                self._check_shape(place.nodes[0])
            paths = self._present(place.nodes[0], skipped) if self._skips_absent else self._values
            if not paths:
                return None
            series, is_by_key = self._name(place)
            stamp, is_by_record = self._time(place)
        except _RefusedError as refused:
            return Event((), (refused.reject(series, index),), index=index)
        if len(self._values) == 1:
            event = self._one_value(place, series, stamp, index)
        else:
            event = self._several_values(place, series, stamp, index, paths)
        if (is_by_key or is_by_record) and type(place.nodes[0]) is dict:  # a bare value has no fields to lack
            return structs.replace(event, stood_in=("series",) * is_by_key + ("timestamp",) * is_by_record)
        return event

    def _check_shape(self, node: object) -> None:
        """Refuse what is neither an object, nor an array as an element, nor a bare value."""
        if type(node) is list and (self._points is not None or all(path.is_of_array for path in self._values)):
            return
        is_number = type(node) is int or type(node) is float or (type(node) is str and self._is_word(node))
        if (is_number or (type(node) is bool and self._settings.booleans)) and len(self._values) == 1:
            return
        fix = ""
        if type(node) is list:
            fix = '; set events.points = ["[]"] if each of its elements is an event'
        elif is_number:
            fix = "; a bare number is the value of one path, and events.values has several"
        raise _RefusedError("not_an_object", f"found {shown(node)}, expected an object{fix}")

    def _present(self, node: object, skipped: list[str]) -> tuple[Path, ...]:
        """The paths that lead to a value; the others are skipped."""
        if type(node) is not dict and type(node) is not list:
            return self._values
        paths = tuple(path for path in self._values if path.look(node) is not UNSET)
        skipped += ["absent"] * (len(self._values) - len(paths))
        return paths

    def _one_value(self, place: Place, series: str, stamp: Stamp, index: int | None) -> Event:
        try:
            value = self._value(place.nodes[0], self._values[0])
        except _RefusedError as refused:
            return Event((), (refused.reject(series, index),), index=index)
        covariates = self._known(place) if self._covariates else ()
        return Event((Observation(series, stamp.time, value),), (), covariates, index, series, stamp.later)

    def _several_values(
        self, place: Place, series: str, stamp: Stamp, index: int | None, paths: tuple[Path, ...]
    ) -> Event:
        observations: list[Observation] = []
        rejects: list[Reject] = []
        for path in paths:
            name = f"{series}/{path.text}"
            try:
                observations.append(Observation(name, stamp.time, self._value(place.nodes[0], path)))
            except _RefusedError as refused:
                rejects.append(refused.reject(name, index))
        covariates = self._known(place) if self._covariates else ()
        return Event(tuple(observations), tuple(rejects), covariates, index, series, stamp.later)

    def _name(self, place: Place) -> tuple[str, bool]:
        """Find the series' name, and whether the record's key stood in for it."""
        try:
            found = self._series.find(place)
            if (found is None or found is UNSET) and self._key_stands_in:
                return self._name_in_key(place.record.key), True
        except FieldError as error:
            raise _RefusedError("bad_series", str(error), self._series.text) from None
        if type(found) is str:
            return _checked(found, self._series.text), False
        if found is None or found is UNSET:
            raise _RefusedError("missing_series", _missing_part(self._series, "events.series", place))
        if type(found) is int or (type(found) is float and math.isfinite(found)):
            return _checked(str(found), self._series.text), False
        raise _RefusedError("bad_series", f"found {shown(found)}, expected a string or a number", self._series.text)

    def _name_in_key(self, key: bytes | None) -> str:
        path = self._series.text
        if not key:
            raise _RefusedError("missing_series", f"no field `{path}` and no key", path)
        try:
            return _checked(key_text(key, self._settings.key), None)
        except FieldError as error:
            raise _RefusedError("bad_series", f"no field `{path}`, and {error}") from None

    def _time(self, place: Place) -> tuple[Stamp, bool]:
        """Find the event's time, and whether the record's own stood in for it."""
        path, timestamp = self._timestamp.text, place.record.timestamp
        try:
            found = self._timestamp.find(place)
            if found is None or found is UNSET:
                _check_whole(self._timestamp, place)
                return _time_of_record(path, timestamp), True
            stamp = self._stamps.read(found, timestamp * 1000 if timestamp >= 0 else None)
        except FieldError as error:
            raise _RefusedError("bad_timestamp", str(error), path) from None
        except StampError as error:
            raise _RefusedError(error.reason, error.detail, path) from None
        if timestamp >= 0 and stamp.time - timestamp * 1000 > self._settings.max_ahead * 1e6:
            ahead = (stamp.time - timestamp * 1000) / 1e6
            raise _RefusedError("timestamp_ahead", f"{shown(found)} is {ahead:.0f} s ahead of the record", path)
        return stamp, False

    def _value(self, node: object, path: Path) -> float:
        found = path.look(node) if type(node) is dict or type(node) is list else node
        if type(found) is str:
            found = self._of_text(found)
        if type(found) is float or type(found) is int:
            if self._missing and self._is_missing(found):
                return math.nan
            if -LARGEST_VALUE <= found <= LARGEST_VALUE:
                return float(found)
            raise _RefusedError("value_out_of_range", f"found {shown(found)}", path.text)
        if found is None:
            return math.nan
        if found is UNSET:
            raise _RefusedError("missing_value", _no_value(path.text, node), path.text)
        if type(found) is bool and self._settings.booleans:
            return float(found)
        raise _RefusedError("bad_value", f"found {shown(found)}, expected a number{_fix(found)}", path.text)

    def _of_text(self, text: str) -> object:
        """The number that a text means, None if it means a missing one; itself if it is neither."""
        number = self._number(text)
        if number is not None:
            return number
        lower = text.strip().lower()
        if lower in self._missing:
            return None
        return BOOLEANS.get(lower, text) if self._settings.booleans else text

    def _is_missing(self, number: float) -> bool:
        return number in self._missing_numbers or (number != number and "nan" in self._missing)

    def _known(self, place: Place) -> tuple[float, ...]:
        return tuple(_covariate(each, place, self._number) for each in self._covariates)


def comma_number(text: str) -> int | float | None:
    """Read a number with a decimal comma; None if it is none. A point may stand for thousands, so it is none."""
    return None if "." in text else numeric(text.replace(",", ".", 1))


def _hold(where: tuple[Condition, ...], place: Place) -> bool:
    return all(condition.holds(place) for condition in where)


def _checked(name: str, path: str | None) -> str:
    if not name:
        raise _RefusedError("bad_series", "the name is empty", path)
    if len(name) > LONGEST_SERIES:
        raise _RefusedError("series_too_long", f"{len(name)} characters, at most {LONGEST_SERIES} are allowed", path)
    if not name.isascii() and not _is_text(name):
        raise _RefusedError("bad_series", f"{shown(name)} holds a lone surrogate", path)
    return name


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _missing_part(whole: Template, setting: str, place: Place) -> str:
    """Tell the first thing that is missing of what is put together."""
    absent, found = next((part.text, found) for part, found in _parts(whole, place) if as_text(found) is None)
    what = f"no {_what(absent)}" if found is None or found is UNSET else f"{_what(absent)} is {shown(found)}"
    return f"{what}, which is part of {setting} = {shown(whole.text)}"


def _parts(whole: Template, place: Place) -> list[tuple[Field, object]]:
    return [(part, part.find(place)) for part in whole.fields]


def _check_whole(timestamp: Template, place: Place) -> None:
    """Refuse a time of several fields of which some alone are there."""
    if len(timestamp.fields) > 1 and any(as_text(found) is not None for _, found in _parts(timestamp, place)):
        raise _RefusedError("missing_timestamp", _missing_part(timestamp, "events.timestamp", place))


def _what(field: str) -> str:
    kinds = {"{key}": "key", "{topic}": "topic"}
    return kinds.get(field) or (f"header `{field[8:-1]}`" if field.startswith("{header:") else f"field `{field}`")


def _time_of_record(path: str, timestamp: int) -> Stamp:
    if timestamp < 0:
        raise _RefusedError("missing_timestamp", f"no field `{path}`, and the record has no time either", path)
    if timestamp * 1000 > LAST_TIME:
        raise _RefusedError("timestamp_out_of_range", f"the record's own time is {timestamp} ms")
    return Stamp(timestamp * 1000)


def _no_points(texts: Sequence[str], document: object) -> str:
    return f"no array at {' or '.join(f'`{text}`' for text in texts)} (events.points) in {shown(document)}"


def _no_value(path: str, node: object) -> str:
    ends_in = next((text for text in _text_on_the_way(path, node)), None)
    if ends_in is not None:
        return f"no field `{path}`: {ends_in}"
    return f'no field `{path}`; null says that a value is known to be missing, events.absent = "skip" that it may be'


def _text_on_the_way(path: str, node: object) -> Iterator[str]:
    """A text that a path would go on from, were it JSON."""
    parts = path.split(".")
    for count in range(1, len(parts)):
        before = ".".join(parts[:count])
        try:
            found = Path(before).look(node)
        except FieldError:  # a quoted name that holds a dot
            continue
        if type(found) is str and type(inner(found)) is str:
            yield f"`{before}` holds {shown(found)}, which is no JSON object or array"


_LIKE_A_NUMBER = re.compile(r"\W*\d")
"""Such as `20,5`, `21.5 °C`, `$1,200.00`."""


def _fix(found: object) -> str:
    """The setting that reads a value which is no number."""
    if type(found) is bool or (type(found) is str and found.strip().lower() in BOOLEANS):
        return "; events.booleans = true reads it"
    if type(found) is str and _LIKE_A_NUMBER.match(found):
        alone = "; let the producer write the number alone, with a decimal point"
        number = comma_number(found) if "," in found else None
        return alone if number is None else f'{alone}; events.decimal = "comma" would read it as {number}'
    if type(found) is str and len(found) < 40:
        return f"; if it means a missing value, set events.missing = [{shown(found)}]"
    return ""


def _covariate(path: Field, place: Place, number: Callable[[str], int | float | None]) -> float:
    """Read a number known with the event; what is none becomes NaN, which masks it."""
    try:
        found = path.find(place)
    except FieldError:
        return math.nan
    if type(found) is str:
        found = number(found)
    if (type(found) is float or type(found) is int or type(found) is bool) and abs(found) <= LARGEST_VALUE:
        return float(found)
    return math.nan

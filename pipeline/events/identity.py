"""The series and the time of an event, told by its fields or by its record in their place."""

import math

from pipeline.dead_letters import RefusedError
from pipeline.events.fields import Field, Optional, Template, key_text, template
from pipeline.events.paths import UNSET, FieldError, Path, Place, as_text
from pipeline.messages import iso8601
from pipeline.settings import Events
from pipeline.stamps import LAST_TIME, Stamp, StampError, Stamps, shown

LONGEST_SERIES = 1024  # characters


class Identity:
    """Reads which series an event is of, and when it was.

    Parameters
    ----------
    events
        Where that is told.

    Attributes
    ----------
    optional
        Parts of the series' name that an event may lack.
    """

    def __init__(self, events: Events) -> None:
        self._settings = events
        self._series = template(events.series, events.key)
        self._key_stands_in = len(self._series.parts) == 1 and isinstance(self._series.parts[0], Path)
        self.optional = tuple(field for field in self._series.fields if isinstance(field, Optional))
        self._timestamp = template(events.timestamp, events.key)
        self._stamps = Stamps(events.timestamp_format, events.timezone)

    def series(self, place: Place) -> tuple[str, bool]:
        """Find the series' name, and whether the record's key stood in for it; raises RefusedError."""
        try:
            found = self._series.find(place)
            if (found is None or found is UNSET) and self._key_stands_in:
                return self._name_in_key(place.record.key), True
        except FieldError as error:
            raise RefusedError("bad_series", str(error), self._series.text) from None
        if type(found) is str:
            return _checked(found, self._series.text), False
        if found is None or found is UNSET:
            raise RefusedError("missing_series", _missing_part(self._series, "events.series", place))
        if type(found) is int or (type(found) is float and math.isfinite(found)):
            return _checked(str(found), self._series.text), False
        raise RefusedError("bad_series", f"found {shown(found)}, expected a string or a number", self._series.text)

    def absent(self, place: Place) -> tuple[str, ...]:
        """The optional parts of the series' name that are not there."""
        return tuple(field.text for field in self.optional if not field.find(place))

    def _name_in_key(self, key: bytes | None) -> str:
        path = self._series.text
        if not key:
            raise RefusedError("missing_series", f"no field `{path}` and no key", path)
        try:
            return _checked(key_text(key, self._settings.key), None)
        except FieldError as error:
            raise RefusedError("bad_series", f"no field `{path}`, and {error}") from None

    def time(self, place: Place) -> tuple[Stamp, bool]:
        """Find the event's time, and whether the record's own stood in for it; raises RefusedError."""
        path, timestamp = self._timestamp.text, place.record.timestamp
        try:
            found = self._timestamp.find(place)
            if found is None or found is UNSET:
                _check_whole(self._timestamp, place)
                return _time_of_record(path, timestamp), True
            stamp = self._stamps.read(found, timestamp * 1000 if timestamp >= 0 else None)
        except FieldError as error:
            raise RefusedError("bad_timestamp", str(error), path) from None
        except StampError as error:
            raise RefusedError(error.reason, error.detail, path) from None
        if timestamp >= 0 and stamp.time - timestamp * 1000 > self._settings.max_ahead * 1e6:
            raise RefusedError("timestamp_ahead", _ahead(found, stamp, timestamp), path)
        return stamp, False


def _ahead(found: object, stamp: Stamp, timestamp: int) -> str:
    """How far ahead a time is, and what may mend that."""
    seconds = (stamp.time - timestamp * 1000) / 1e6
    reads = "" if stamp.is_date else f", as {iso8601(stamp.time)},"
    return (
        f"{shown(found)}{reads} is {seconds:.0f} s ahead of the record; set events.timestamp_format or events.timezone"
        " if it means another time, or raise events.max_ahead if it does not"
    )


def _checked(name: str, path: str | None) -> str:
    if not name:
        raise RefusedError("bad_series", "the name is empty", path)
    if len(name) > LONGEST_SERIES:
        raise RefusedError("series_too_long", f"{len(name)} characters, at most {LONGEST_SERIES} are allowed", path)
    if not name.isascii() and not _is_text(name):
        raise RefusedError("bad_series", f"{shown(name)} holds a lone surrogate", path)
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
        raise RefusedError("missing_timestamp", _missing_part(timestamp, "events.timestamp", place))


def _what(field: str) -> str:
    kinds = {"{key}": "key", "{topic}": "topic"}
    return kinds.get(field) or (f"header `{field[8:-1]}`" if field.startswith("{header:") else f"field `{field}`")


def _time_of_record(path: str, timestamp: int) -> Stamp:
    if timestamp < 0:
        raise RefusedError("missing_timestamp", f"no field `{path}`, and the record has no time either", path)
    if timestamp * 1000 > LAST_TIME:
        raise RefusedError("timestamp_out_of_range", f"the record's own time is {timestamp} ms")
    return Stamp(timestamp * 1000)

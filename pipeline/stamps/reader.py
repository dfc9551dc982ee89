"""Reads time stamps."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from pipeline.messages import iso8601
from pipeline.stamps.numbers import FIRST_PLAUSIBLE, of_number, of_unit
from pipeline.stamps.patterns import by_pattern, check_format
from pipeline.stamps.stamp import (
    DAY,
    EPOCH,
    EPOCH_UTC,
    FIRST_TIME,
    LAST_TIME,
    LONGEST_SHOWN,
    SECOND,
    UNITS,
    Stamp,
    StampError,
    numeric,
    of_moment,
    shown,
    since,
    zone,
)
from pipeline.stamps.texts import of_text


class Stamps(msgspec.Struct, frozen=True):
    """Reads time stamps.

    Attributes
    ----------
    format
        ``auto``: dates year first or with the month's name, and numbers by their size; one of `UNITS`; or a pattern
        of `datetime.strptime`, which holds a ``%``.
    timezone
        Of dates that name none, such as ``Europe/Berlin``.

    Raises
    ------
    ValueError
        The format or the zone is unknown; the message says the fix.

    Examples
    --------
    >>> Stamps().read("2026-01-31T12:00:00Z").time
    1769860800000000
    >>> Stamps("ms").read(1769860800000).time, Stamps("%d/%m/%Y").read("31/01/2026").time
    (1769860800000000, 1769817600000000)
    """

    format: str = "auto"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_format(self.format)
        zone(self.timezone)

    def read(self, found: object, near: int | None = None) -> Stamp:
        """Read a stamp: text, a number, or what MongoDB and Java write.

        Parameters
        ----------
        found
            As JSON gives it.
        near
            The record's own time, microseconds. A bare number that `auto` reads more than 20 years away from it is
            refused.

        Raises
        ------
        StampError
            It is no time, or may be several, or an unlikely one.
        """
        if self.format == "auto":
            stamp = _usual(found) or _auto(found, self.timezone, near)
        elif self.format in UNITS:
            stamp = of_unit(found, self.format, self.timezone)
        else:
            stamp = by_pattern(found, self.format, self.timezone)
        if FIRST_TIME + DAY <= stamp.time <= LAST_TIME:
            return stamp
        if FIRST_TIME <= stamp.time < FIRST_TIME + DAY:
            told = f"found {shown(found)}, which is what Go and .NET write for a time that is not set"
            raise StampError("implausible_timestamp", f"{told}; let the producer set it, or leave it out")
        raise StampError("timestamp_out_of_range", f"found {shown(found)}")

    def write(self, time: int) -> str | int | float:
        """Write a time so that `read` finds it, as exactly as the format allows."""
        if self.format == "auto":
            return iso8601(time)
        moment = EPOCH_UTC + timedelta(microseconds=time)
        if self.format in UNITS:
            length, zero, is_local = UNITS[self.format]
            ahead = moment.astimezone(zone(self.timezone)).utcoffset() if is_local else None
            counted = time - zero + (0 if ahead is None else since(ahead))
            number = counted * round(1 / length) if length < 1 else counted / length
            return int(number) if number == int(number) else number
        return moment.astimezone(zone(self.timezone)).strftime(self.format)


def _usual(found: object) -> Stamp | None:
    """The commonest form, ISO 8601 in UTC, read fast; None where it is another."""
    if type(found) is str and found[-1:] == "Z":
        try:
            since = datetime.fromisoformat(found[:-1]) - EPOCH
        except (ValueError, TypeError):  # no date, or one that has an offset before its Z
            return None
        return Stamp((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds)
    return None


def _auto(found: object, timezone: str, near: int | None) -> Stamp:
    if type(found) is str:
        if found[4:5] == "-":
            try:
                return of_moment(datetime.fromisoformat(found), timezone)
            except ValueError:
                return of_text(found, timezone, near)
        return of_text(found, timezone, near)
    if type(found) is int or type(found) is float:
        return of_number(found, timezone, near)
    if type(found) is dict:
        return _of_object(found, timezone, near)
    if type(found) is list and 2 <= len(found) <= 7 and all(type(part) is int for part in found):
        return _of_seconds(*found) if len(found) == 2 else _of_parts(found, timezone)
    raise _no_time(found)


def _no_time(found: object) -> StampError:
    expected = "expected a date or a number"
    if isinstance(found, dict):
        expected = 'expected a date, a number or {"$date": ..}; let events.timestamp name the field in it that is one'
    return StampError("bad_timestamp", f"found {shown(found)}, {expected}")


def _of_object(found: Mapping[str, object], timezone: str, near: int | None) -> Stamp:
    """MongoDB's ``{"$date": ..}``, whose numbers are milliseconds; or seconds and nanoseconds."""
    date = found.get("$date") if len(found) == 1 else None
    if type(date) is dict and len(date) == 1:
        date = date.get("$numberLong")
    if type(date) is str and numeric(date) is None:
        return _auto(date, timezone, near)
    if date is not None:
        return of_unit(date, "ms")
    names = [next((name for name in known if name in found), None) for known in (SECONDS, NANOSECONDS)]
    seconds, nanoseconds = (None if name is None else found[name] for name in names)
    if seconds is None or len(found) > len(names) - names.count(None):
        raise _no_time(found)
    return _of_seconds(seconds, 0 if nanoseconds is None else nanoseconds)


SECONDS = ("seconds", "epochSecond", "epochSeconds", "timeInSeconds", "sec", "_seconds", "secs_since_epoch")
NANOSECONDS = ("nanos", "nano", "nanoseconds", "offsetInNanos", "nanosec", "nsec", "_nanoseconds", "nanos_since_epoch")
"""How Protobuf, Java, AWS, ROS, Firestore and others name the two parts of a time."""


def _of_seconds(seconds: object, nanoseconds: object) -> Stamp:
    """A time of two whole numbers: seconds since the epoch, and nanoseconds."""
    whole, rest = (numeric(part) if type(part) is str else part for part in (seconds, nanoseconds))
    if type(whole) is not int or type(rest) is not int or not 0 <= rest < 10**9 or whole * SECOND < FIRST_PLAUSIBLE:
        raise StampError(
            "bad_timestamp", f"found {shown([seconds, nanoseconds])}, expected seconds since the epoch and nanoseconds"
        )
    return Stamp(whole * SECOND + rest // 1000)


def _of_parts(parts: list[int], timezone: str) -> Stamp:
    """Java's ``[2026, 1, 31, 12, 0, 0, 0]``: the last are nanoseconds."""
    *rest, nanoseconds = [*parts, *[0] * (7 - len(parts))]
    try:
        year, month, day, hour, minute, second = rest
        moment = datetime(year, month, day, hour, minute, second, nanoseconds // 1000)
    except (ValueError, OverflowError):
        raise StampError("bad_timestamp", f"found {json.dumps(parts)[:LONGEST_SHOWN]}, which is no date") from None
    return of_moment(moment, timezone)

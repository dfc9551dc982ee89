"""Reads time stamps."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from pipeline.messages import iso8601
from pipeline.stamps.numbers import of_number, of_unit
from pipeline.stamps.patterns import by_pattern, check_format
from pipeline.stamps.stamp import (
    EPOCH,
    EPOCH_UTC,
    FIRST_TIME,
    LAST_TIME,
    LONGEST_SHOWN,
    UNITS,
    Stamp,
    StampError,
    numeric,
    of_moment,
    shown,
    zone,
)
from pipeline.stamps.texts import of_text


class Stamps(msgspec.Struct, frozen=True):
    """Reads time stamps.

    Attributes
    ----------
    format
        ``auto``: dates year first or with the month's name, and numbers by their size; a unit of `UNITS` since the
        epoch; or a pattern of `datetime.strptime`, which holds a ``%``.
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
            stamp = of_unit(found, self.format)
        else:
            stamp = by_pattern(found, self.format, self.timezone)
        if FIRST_TIME <= stamp.time <= LAST_TIME:
            return stamp
        raise StampError("timestamp_out_of_range", f"found {shown(found)}")

    def write(self, time: int) -> str | int | float:
        """Write a time so that `read` finds it, as exactly as the format allows."""
        if self.format == "auto":
            return iso8601(time)
        if self.format in UNITS:
            number = time * 1000 if self.format == "ns" else time / UNITS[self.format]
            return int(number) if number == int(number) else number
        moment = EPOCH_UTC + timedelta(microseconds=time)
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
    if type(found) is list and 3 <= len(found) <= 7 and all(type(part) is int for part in found):
        return _of_parts(found, timezone)
    raise StampError("bad_timestamp", f"found {shown(found)}, expected a date or a number")


def _of_object(found: Mapping[str, object], timezone: str, near: int | None) -> Stamp:
    """MongoDB's ``{"$date": ..}``, whose numbers are milliseconds."""
    date = found.get("$date") if len(found) == 1 else None
    if type(date) is dict and len(date) == 1:
        date = date.get("$numberLong")
    if type(date) is str and numeric(date) is None:
        return _auto(date, timezone, near)
    if date is None:
        raise StampError("bad_timestamp", f'found {shown(found)}, expected a date, a number or {{"$date": ..}}')
    return of_unit(date, "ms")


def _of_parts(parts: list[int], timezone: str) -> Stamp:
    """Java's ``[2026, 1, 31, 12, 0, 0, 0]``: the last are nanoseconds."""
    *rest, nanoseconds = [*parts, *[0] * (7 - len(parts))]
    try:
        year, month, day, hour, minute, second = rest
        moment = datetime(year, month, day, hour, minute, second, nanoseconds // 1000)
    except (ValueError, OverflowError):
        raise StampError("bad_timestamp", f"found {json.dumps(parts)[:LONGEST_SHOWN]}, which is no date") from None
    return of_moment(moment, timezone)

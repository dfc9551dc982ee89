"""A time that was read, the error of one that cannot be, and what both are made of."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from pipeline.events.json_text import LONGEST_NUMBER

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_TIME = (datetime.min - EPOCH) // MICROSECOND
LAST_TIME = (datetime.max - EPOCH) // MICROSECOND

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds


class Unit(NamedTuple):
    """How numbers count time.

    Attributes
    ----------
    length
        Microseconds of one.
    zero
        Microseconds from 1970 to what is 0.
    is_local
        Whether that is a time of no zone, as a date that is written out without one.
    """

    length: float
    zero: int = 0
    is_local: bool = False


UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        "s": Unit(1e6),
        "ms": Unit(1e3),
        "us": Unit(1.0),
        "ns": Unit(1e-3),
        "days": Unit(float(DAY)),
        "minutes": Unit(float(MINUTE)),
        "hours": Unit(float(HOUR)),
        "excel": Unit(float(DAY), (datetime(1899, 12, 30) - EPOCH) // MICROSECOND, is_local=True),
        "ticks": Unit(0.1, FIRST_TIME, is_local=True),
        "filetime": Unit(0.1, (datetime(1601, 1, 1) - EPOCH) // MICROSECOND),
    }
)
"""What `format` may name: units since the epoch; days as Excel counts them; 100 ns as .NET and Windows count them."""
USUAL_UNITS = ("s", "ms", "us", "ns", "days")
"""Those that many topics have; the others are told only where the numbers fit them well."""


class StampError(ValueError):
    """A stamp that cannot be read.

    Attributes
    ----------
    reason
        Of a dead letter: bad_timestamp, ambiguous_timestamp, implausible_timestamp, negative_timestamp or
        timestamp_out_of_range.
    detail
        What was found, and the setting that reads it if there is one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """A time that was read.

    Attributes
    ----------
    time
        Microseconds since the epoch, UTC.
    later
        In the hour that autumn repeats: the second reading. `RepeatedHour` chooses. Else None.
    is_date
        Whether a date was written out; False: a bare number.
    """

    time: int
    later: int | None = None
    is_date: bool = True


@lru_cache(maxsize=512)
def zone(name: str) -> tzinfo:
    """The time zone of that name; raises ValueError, with the fix, if there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError(f'unknown time zone {json.dumps(name)}; expected one such as "Europe/Berlin"') from None


def numeric(text: str) -> int | float | None:
    """Read a numeric string; None if it is none."""
    if len(text) > LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    return int(text) if text.isdigit() else float(text)


_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def shown(found: object) -> str:
    """Show a value in a few words: its JSON if it is short."""
    if isinstance(found, dict | list):
        return f"an {'object' if isinstance(found, dict) else 'array'} of {len(found)}"
    if isinstance(found, str) and len(found) > LONGEST_SHOWN:
        return f"{json.dumps(found[:40])}... of {len(found)} characters"
    return json.dumps(found)[:LONGEST_SHOWN]


LONGEST_SHOWN = 200  # characters


def of_moment(moment: datetime, timezone: str) -> Stamp:
    """A moment as a stamp; one that names no zone is of this one."""
    if moment.tzinfo is not None:
        return Stamp(since(moment - EPOCH_UTC))
    if timezone == "UTC":
        return Stamp(since(moment - EPOCH))
    return _of_local(moment, zone(timezone))


def since(passed: timedelta) -> int:
    """Microseconds of a length of time, exact."""
    return (passed.days * 86400 + passed.seconds) * 1_000_000 + passed.microseconds


def _of_local(moment: datetime, where: tzinfo) -> Stamp:
    """A time of the hour that autumn repeats has two readings; one that spring leaves out is taken as before it."""
    local = since(moment - EPOCH)
    first, second = (moment.replace(tzinfo=where, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return Stamp(local - since(first), local - since(second) if first > second else None)


def after(stamp: Stamp | None, passed: int) -> Stamp | None:
    """The time so many microseconds later."""
    if stamp is None:
        return None
    return Stamp(stamp.time + passed, None if stamp.later is None else stamp.later + passed, stamp.is_date)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        zone(name)
    except ValueError:
        return False
    return True

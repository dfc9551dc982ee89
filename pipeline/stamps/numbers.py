"""Bare numbers as times: since the epoch, by their size or unit, or a date in digits."""

import json
import math
from datetime import datetime

from msgspec.structs import replace

from pipeline.messages import iso8601
from pipeline.stamps.stamp import (
    DAY,
    EPOCH,
    FIRST_TIME,
    LAST_TIME,
    MICROSECOND,
    SECOND,
    UNITS,
    USUAL_UNITS,
    Stamp,
    StampError,
    after,
    numeric,
    of_moment,
    shown,
)

FIRST_PLAUSIBLE = (datetime(1980, 1, 1) - EPOCH) // MICROSECOND
FARTHEST = 20 * 365 * DAY + 5 * DAY  # from the record's own time, of a bare number: 20 years
NEAR = 400 * DAY  # from the record's own time, of a number in a unit that few topics have


def of_number(number: float, timezone: str, near: int | None) -> Stamp:
    """The time that a bare number is, by its size, or as a date in digits."""
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is int and not 10**9 <= number < 10**11:
        date = of_digits(str(number), timezone)
        if date is not None:
            return date
    time = _by_size(number)
    is_far = near is not None and abs(time - near) > FARTHEST
    if (is_far or time < FIRST_PLAUSIBLE) and time <= LAST_TIME:
        raise StampError("implausible_timestamp", _implausible(number, time, near))
    return Stamp(time, is_date=False)


COMPACT = frozenset({4, 6, 8, 12, 14, 17})
"""Digits of a date without marks: year, month, day, hour and minute, second, millisecond.

Counted since the epoch such numbers would lie before 1980 or after 2286.
"""
FIRST_COMPACT, LATEST_COMPACT = 1600, 3000
"""Years. Before, a number of four digits is rather a time of day (`1230`) or a counter."""
_COMPACT_PARTS = ((4, 1), (6, 1), (8, 0), (10, 0), (12, 0))  # where each begins, and what it is if it is left out


def of_digits(digits: str, timezone: str) -> Stamp | None:
    """20260131 and its like; None where they are no date."""
    if len(digits) in (12, 14) and digits[8:] in ("2400", "240000"):
        return after(of_digits(f"{digits[:8]}235959", timezone), SECOND)
    if len(digits) not in COMPACT or digits[0] > "2" or not FIRST_COMPACT <= int(digits[:4]) < LATEST_COMPACT:
        return None
    month, day, hour, minute, second = (int(digits[at : at + 2] or least) for at, least in _COMPACT_PARTS)
    try:
        moment = datetime(int(digits[:4]), month, day, hour, minute, second, 1000 * int(digits[14:] or 0))
    except ValueError:
        return None
    return of_moment(moment, timezone)


def _by_size(number: float) -> int:
    """Turn seconds, milliseconds, microseconds or nanoseconds into microseconds; which it is the size tells.

    Below 1e11 they are seconds (up to the year 5138), then come milliseconds (from 1973), and so on.
    """
    if number < 0:
        raise StampError("negative_timestamp", f"found {shown(number)}")
    if number < 1e11:
        return number * 1_000_000 if type(number) is int else round(number * 1e6)
    if number < 1e14:
        return number * 1000 if type(number) is int else round(number * 1e3)
    if number < 1e17:
        return int(number)
    if number < 1e21:
        return int(number) // 1000
    raise StampError("timestamp_out_of_range", f"found {shown(number)}")  # NaN comes here, too


def _implausible(number: float, time: int, near: int | None) -> str:
    what = f"found {shown(number)}, which by its size is {_readable(time)}"
    what += "" if near is None else f", and the record is of {_readable(near)}"
    fitting = [unit for unit in UNITS if _is_likely(number, unit, near)]
    if fitting:
        return f"{what}; set events.timestamp_format = {json.dumps(fitting[0])}"
    units = ", ".join(json.dumps(unit) for unit in USUAL_UNITS)
    return (
        f"{what}; set events.timestamp_format to its unit ({units}), or to its pattern, such as %Y%m%d%H; if it is none"
        " of these, let the producer write ISO 8601, or name a field that does not exist, and the records' own times"
        " count"
    )


def _readable(time: int) -> str:
    return iso8601(time) if FIRST_TIME <= time <= LAST_TIME else "beyond the year 9999"


def _is_likely(number: float, unit: str, near: int | None) -> bool:
    length, zero, _ = UNITS[unit]
    time = number * length + zero
    if near is None:
        return FIRST_PLAUSIBLE <= time <= FIRST_PLAUSIBLE + 4 * FARTHEST
    return abs(time - near) <= (FARTHEST if unit in USUAL_UNITS else NEAR)


def of_unit(found: object, unit: str, timezone: str = "UTC") -> Stamp:
    """The time that a number is in this unit."""
    number = numeric(found) if type(found) is str else found
    length, zero, is_local = UNITS[unit]
    if type(number) is int:
        time = (number // round(1 / length) if length < 1 else number * int(length)) + zero
    elif type(number) is float:
        counted = number * length  # infinite where the number is finite, but near the largest there is
        if not math.isfinite(counted):
            raise StampError("timestamp_out_of_range", f"found {shown(number)}")
        time = round(counted) + zero
    else:
        raise StampError("bad_timestamp", f"found {shown(found)}, expected a number ({unit})")
    if is_local and timezone != "UTC" and FIRST_TIME <= time <= LAST_TIME:
        return replace(of_moment(EPOCH + time * MICROSECOND, timezone), is_date=False)
    return Stamp(time, is_date=False)

"""Times by a pattern of `strptime`, and which formats there are."""

import json
import re
from datetime import UTC, datetime

from pipeline.stamps.stamp import HOUR, MINUTE, SECOND, UNITS, Stamp, StampError, after, of_moment, shown


def check_format(text: str) -> None:
    """Raise ValueError, with the fix, if it is no format."""
    if text == "auto" or text in UNITS:
        return
    known = f'"auto", {", ".join(json.dumps(unit) for unit in UNITS)}, or a pattern such as "%d/%m/%Y %H:%M"'
    if "%" not in text:
        raise ValueError(f"{json.dumps(text)} is no format of a time; expected {known}")
    if "%Z" in text:
        raise ValueError(
            f"{json.dumps(text)} reads a zone's name, which not every machine knows; write it out in letters"
        )
    sample = datetime(2026, 1, 31, 12, 30, 45, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(text), text)
    except (ValueError, re.error) as error:
        raise ValueError(f"{json.dumps(text)} is no pattern that can be read: {error}; expected {known}") from None
    if read.year != sample.year:
        raise ValueError(f"{json.dumps(text)} tells no year; a time needs one: %Y")


def by_pattern(found: object, pattern: str, timezone: str) -> Stamp:
    """The time that a text is by a pattern of `strptime`."""
    if type(found) is float and found.is_integer():
        found = int(found)
    text = str(found) if type(found) is int and abs(found) < 10**30 else found
    if type(text) is not str:
        raise StampError("bad_timestamp", f"found {shown(found)}, expected text such as {_example(pattern)}")
    try:
        return of_moment(datetime.strptime(text.strip(), pattern), timezone)
    except ValueError:
        stamp = _of_midnight(text.strip(), pattern, timezone)
        if stamp is not None:
            return stamp
        raise StampError("bad_timestamp", f"found {shown(found)}, expected text such as {_example(pattern)}") from None


def _of_midnight(text: str, pattern: str, timezone: str) -> Stamp | None:
    """A time that ends in 24:00 as the pattern writes it, which is the next day's 0:00; None where it does not."""
    date, hour, clock = pattern.partition("%H")
    midnight = "24" + datetime(2000, 1, 1).strftime(clock)
    if not hour or "%" in re.sub("%[MSf]", "", clock) or not text.endswith(midnight):
        return None
    last = datetime(2000, 1, 1, 23, 59, 59).strftime(hour + clock.replace("%f", "0"))
    passed = SECOND if "%S" in clock else MINUTE if "%M" in clock else HOUR
    try:
        moment = datetime.strptime(text[: -len(midnight)] + last, date + hour + clock)
    except ValueError:
        return None
    return after(of_moment(moment, timezone), passed)


def _example(pattern: str) -> str:
    return json.dumps(datetime(2026, 1, 31, 12, tzinfo=UTC).strftime(pattern))

"""Times of day in a column of their own, or behind a date."""

import re
from collections.abc import Callable, Iterable, Sequence

from pipeline.stamps import StampError

CLOCK_TEXT = (
    r"(?:(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\d{1,2}\.\d{2}\.\d{2})(?: ?[AaPp]\.?[Mm]\.?)?"
    r"|(?:0?[1-9]|1[0-2]) ?[AaPp]\.?[Mm]\.?)"
)


def ascii_pattern(text: str) -> re.Pattern[str]:
    """Of ASCII letters, large or small."""
    return re.compile(text, re.ASCII | re.IGNORECASE)


CLOCK = ascii_pattern(CLOCK_TEXT)
HOUR_OF_DAY = ascii_pattern(r"\d{1,2}(?:\.0)?[AB]?")
"""In autumn some write 2A and 2B for the hour that comes twice."""
CLOCK_DIGITS = ascii_pattern(r"\d{1,2}[0-5]\d|[0-5]?\d")
"""830, 0830, 2400 for a time of day, and in a column of such 0 or 30."""
NUMBER = ascii_pattern(r"-?\d+(?:\.\d+)?")


def after_date(text: str) -> str:
    """A time of day with colons, after a space; empty if there is none."""
    bare = text.strip(" T,")
    if not bare:
        return ""
    digits = re.split(r"[:.]", re.sub(r"[ .]*[AaPp]\.?[Mm]\.?$", "", bare), maxsplit=2)
    half = re.search(r"([AaPp])\.?[Mm]\.?$", bare)
    hour = int(digits[0])
    if half:
        hour = hour % 12 + (12 if half[1] in "pP" else 0)
    rest = ":".join([*digits[1:], "00"][:2]).replace(",", ".")
    return f" {hour:02d}:{rest}"


def clock_of(text: str) -> str:
    """A time of day as it follows a date; raises StampError where it is none."""
    if CLOCK.fullmatch(text) is None:
        raise StampError("hour", f"`{text}` is not a time of day, such as 13:00")
    return after_date(text)


def hour_of(text: str) -> str:
    """A bare hour, 0 to 24, as it follows a date."""
    hour = text.rstrip("ABab")
    if HOUR_OF_DAY.fullmatch(text) is None or float(hour) > 24:
        raise StampError(
            "hour", f"`{text}` is no hour of a day, 0 to 24; write both into one column, such as 2024-05-01 13:00"
        )
    return f" {int(float(hour)):02d}:00:00"


def digits_of(text: str) -> str:
    """Hour and minute without a colon, 0 to 2400, as they follow a date."""
    if CLOCK_DIGITS.fullmatch(text) is None or int(text) > 2400:
        raise StampError("hour", f"`{text}` is no time of day without a colon, 0 to 2400")
    return f" {int(text) // 100:02d}:{int(text) % 100:02d}:00"


def clock_reader(cells: Iterable[str]) -> Callable[[str], str]:
    """How a whole column writes times of day: with colons, as bare hours, or as hour and minute without a colon."""
    kinds = set(cells)
    if not kinds or not all(NUMBER.fullmatch(cell) or HOUR_OF_DAY.fullmatch(cell) for cell in kinds):
        return clock_of
    if not all(NUMBER.fullmatch(cell) for cell in kinds):
        return hour_of
    has_minutes = max(map(float, kinds)) >= 100 and all(CLOCK_DIGITS.fullmatch(cell) for cell in kinds)
    return digits_of if has_minutes else hour_of


def are_clocks(cells: Sequence[str]) -> bool:
    """Whether all of these cells are times of day, however they are written."""
    read = clock_reader(cells)
    try:
        return all(read(cell) for cell in set(cells))
    except StampError:
        return False

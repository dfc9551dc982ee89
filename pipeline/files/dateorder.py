"""Whether the day, the month or the year comes first in a column of dates such as 03/04/2024.

One such date may be in March or April, a column seldom: some day is above 12, or only one order goes forward in regular
steps. Where the column does not tell either, it is refused with the option to give.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from pipeline.files.clocks import CLOCK, after_date
from pipeline.files.timeforms import SLASHED, century

DAY = timedelta(days=1)


class Orders(NamedTuple):
    """Which readings of a slashed date are left: day, month or year first."""

    left: tuple[str, ...]
    example: str


def order_of(times: Iterable[Sequence[str]]) -> Orders:
    """Which orders of day, month and year a whole column of dates allows, perhaps with times of day in another one."""
    seen: dict[tuple[str, str, str, str], None] = {}
    example = ""
    for date, *clock in times:
        match = SLASHED.fullmatch(date)
        if match:
            example = example or date
            seen.setdefault((match[1], match[3], match[4], clock[0] if clock else match[5] or ""))
    orders = ("dmy", "mdy") if any(len(parts[2]) == 4 for parts in seen) else ("dmy", "mdy", "ymd")
    possible = {order: moments for order in orders if (moments := _moments(seen, order))}
    if len(possible) > 1:
        forward = _forward(possible)
        possible = possible if _is_of_the_text(forward, list(seen)) else forward
    if len(possible) > 1:
        possible = _regular(possible)
    return Orders(tuple(possible), example)


def _moments(seen: Iterable[tuple[str, str, str, str]], order: str) -> list[datetime]:
    """The times in this order, or none where one does not exist."""
    moments = []
    for parts in seen:
        part = dict(zip(order, parts, strict=False))
        clock = after_date(parts[3]) if not parts[3] or CLOCK.fullmatch(parts[3].strip(" T,")) else ""
        try:
            date = f"{int(century(part['y'])):04d}-{int(part['m']):02d}-{int(part['d']):02d}"
            moments.append(datetime.fromisoformat(date + clock.replace("24:00:00", "23:59:59")))
        except ValueError:
            return []
    return moments


def _forward(possible: dict[str, list[datetime]]) -> dict[str, list[datetime]]:
    """Those that go back in time less often; a column that goes on under one reading alone is so written."""
    back = {order: sum(after < before for before, after in pairwise(days)) for order, days in possible.items()}
    down = {order: sum(after > before for before, after in pairwise(days)) for order, days in possible.items()}
    turns = {order: min(back[order], down[order]) for order in possible}
    if 0 not in turns.values():
        return possible
    return {order: days for order, days in possible.items() if turns[order] == 0}


def _is_of_the_text(forward: dict[str, list[datetime]], seen: Sequence[tuple[str, str, str, str]]) -> bool:
    """Whether dates only go forward year first as their texts were sorted, which they are whatever comes first."""
    if list(forward) != ["ymd"] or _steps_alike(forward["ymd"]):
        return False
    return seen in (sorted(seen), sorted(seen, reverse=True))


def _regular(possible: dict[str, list[datetime]]) -> dict[str, list[datetime]]:
    """Those in whose reading all steps are alike (a month is 28 to 31 days, a quarter 90 to 92, a year 365 or 366)."""
    alike = {order: days for order, days in possible.items() if _steps_alike(days)}
    return alike if len(alike) == 1 else possible


def _steps_alike(days: Sequence[datetime]) -> bool:
    steps = {(after - before) / DAY for before, after in pairwise(sorted(days))}
    if len(days) < 4 or not steps:
        return False
    return len(steps) == 1 or any(
        low <= min(steps) and max(steps) <= high for low, high in ((28, 31), (90, 92), (365, 366))
    )

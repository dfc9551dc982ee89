"""Fields of numbers that measure nothing: ids, places, sequence numbers, and parts of decimals in bytes."""

import itertools
import re
from collections.abc import Mapping

from pipeline.check.columns import Column, last_name
from pipeline.check.inventory import TIME_NAME
from pipeline.stamps import StampError, Stamps, numeric

NO_VALUE = re.compile(
    r"(^|[._])(?i:id|uuid|guid|seq|seqno|sequence|version|schema|port|pid|lsn|txid|xid|xmin|pos|row|thread|offset"
    r"|partition|nr|no|index|idx|lat|lon|lng|latitude|longitude|zip|postcode|year|month|day|hour|minute|flags|severity"
    r"|level|qos|f_cnt|f_port|fcnt|fcntup|fcntdn|fport|eui|dev_?eui|dev_?addr|mmsi|imo|icao|revision)\"?$"
    r"|[_-]id\"?$|I[dD]\"?$|(^|[._])_id\.|\$oid\"?$"
)
"""What fields of numbers are called that measure nothing."""
SMALLEST_TIME = 10_000
"""Days since 1970, or since 1900, are more in our time."""
FEWEST_COUNTED = 20
"""Events, from which on numbers that rise by one at most are taken for sequence numbers."""


def is_likely(path: str, column: Column) -> bool:
    """Whether a field of numbers may measure something, by its name."""
    if NO_VALUE.search(path) or is_time_itself(last_name(path)):
        return False
    return not TIME_NAME.search(path) or _is_measured(column)


def _is_measured(column: Column) -> bool:
    """Whether a field that is called like a time (`t`, `response_time`) holds small fractions, which are none."""
    known = [number for value in column.values.values() if (number := numeric(str(value))) is not None]
    return any(number % 1 for number in known) and all(abs(number) < SMALLEST_TIME for number in known)


def is_sequence(column: Column) -> bool:
    """Whether its whole numbers count the events: from one to the next they rise by one, or stay."""
    numbers = [numeric(str(value)) for _, value in sorted(column.values.items())]
    whole = [number for number in numbers if type(number) is int]
    if len(whole) < max(FEWEST_COUNTED, len(numbers)):
        return False
    steps = {after - before for before, after in itertools.pairwise(whole)}
    return steps <= {0, 1} and 4 * (whole[-1] - whole[0]) >= len(whole)


def is_relative(path: str, column: Column) -> bool:
    """Whether its numbers are times after another one: ``{"base": .., "readings": [{"dt": 0}, {"dt": 60}]}``."""
    if _RELATIVE.search(path):
        return True
    numbers = sorted({number for value in column.values.values() if (number := numeric(str(value))) is not None})
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(numbers) > 2 and numbers[0] == 0 and len(steps) == 1 and steps.pop() > 1


_RELATIVE = re.compile(
    r"(^|[._])(dt|delta|delta_?t|t_?delta|offset|offset_?ms|elapsed|elapsed_?ms|rel|rel_?time)$", re.IGNORECASE
)
RATE = re.compile(
    r"(interval|step|period|resolution|freq\w*|rate(_?hz)?|sampling\w*|sample_?(rate|period))$", re.IGNORECASE
)
"""What fields are called that tell how far apart the numbers of an array are in time."""
TIME_PARTS = frozenset({"year", "month", "day", "doy", "hour", "minute", "second"})
"""Fields of numbers that are part of a time, and none alone."""


def is_time_itself(name: str) -> bool:
    """Whether a field's name is a time, ``{"2026-01-31T12:00:00Z": 21.5}``: then it is data."""
    if not name[:1].isdigit() or len(name) < 8 or (name.isdecimal() and len(name) not in (10, 13)):
        return False
    try:
        Stamps().read(name)
    except StampError:
        return False
    return True


def is_scale(path: str, found: Mapping[str, Column]) -> bool:
    """Whether it is the scale of a decimal in bytes, ``{"scale": 2, "value": "B9A="}``."""
    twin = found.get(f"{path.removesuffix('.scale')}.value") if path.endswith(".scale") else None
    return twin is not None and holds_decimals(twin)


def holds_decimals(column: Column) -> bool:
    """Whether a field may hold numbers in bytes, in base64."""
    texts = [value for value in column.values.values() if isinstance(value, str)]
    is_base64 = len(texts) > 0 and all(_BASE64.fullmatch(text) and len(text) % 4 == 0 for text in texts)
    return is_base64 and any(text.endswith("=") for text in texts)


_BASE64 = re.compile(r"[A-Za-z0-9+/]{2,12}={0,2}", re.ASCII)

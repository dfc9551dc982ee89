"""What the daemon tells of many series: names that were asked for, and rows of a list."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Names of series.

    Attributes
    ----------
    series
        Those that were asked for, in order; a name that several shards have stands here once.
    total
        How many there are of these, told or not.
    age
        Seconds since this was so; None where nothing is held.
    """

    series: tuple[str, ...]
    total: int
    age: float | None


MOST_ROWS = 1_000_000
"""No list, and no forecast, is as long."""
Sort = Literal["surprise", "name", "skill", "last_time", "observations"]
"""What a list of series is in the order of."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What part of a list of series is asked for.

    Attributes
    ----------
    search
        Text that the names hold, upper or lower case.
    sort, descending
        The order. Where nothing is known of a series, it stands last.
    offset, limit
        Which rows.
    """

    search: str = ""
    sort: Sort = "surprise"
    descending: bool = True
    offset: Annotated[int, Meta(ge=0, le=MOST_ROWS)] = 0
    limit: Annotated[int, Meta(ge=0, le=MOST_ROWS)] = 50


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which series a question is for.

    Attributes
    ----------
    series
        Its name; None: none is asked for.
    at
        The shard, as `events/3`; None: the first that has it.
    horizon
        How many steps before those of the earlier forecasts were made that are told.
    """

    series: str | None = None
    at: str | None = None
    horizon: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A series in a list.

    Attributes
    ----------
    series, topic, partition
        Which, and where.
    observations
        Its steps so far.
    last_time, last_value
        Of its last step: microseconds since the epoch; filled where the value is missing.
    skill
        1 - error / error of last value, None before anything was scored.
    surprise
        Anomaly score of the last observation, None while warming.
    recent_surprise
        The largest of its last few; a list by surprise is in its order.
    values
        The last ones, for a sparkline, the oldest first; empty until they have been copied: ask again.
    """

    series: str
    topic: str
    partition: int
    observations: int
    last_time: int
    last_value: float | None
    skill: float | None
    surprise: float | None
    recent_surprise: float | None
    values: tuple[float | None, ...] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list of series.

    Attributes
    ----------
    rows
        Those that were asked for; a series that several shards have stands here for each.
    total
        How many there are of these, told or not.
    age
        Seconds since this was so; None where nothing is held, or nothing was copied yet: ask again.
    """

    rows: tuple[Row, ...]
    total: int
    age: float | None


class BusyError(RuntimeError):
    """The worker has not come by since the question was asked."""

"""What became of observations, one by one, for what watches over losses."""

from typing import NamedTuple

FORECAST, LATE, REPEATED, SKIPPED = "forecast", "late", "repeated", "skipped"


class Fate(NamedTuple):
    """What one observation came to, or a record that was skipped.

    Attributes
    ----------
    offset
        Of its record.
    came_to
        "forecast", "late", "repeated" or "skipped"; of a dead letter its reason.
    detail
        What was found, for a dead letter, a late or a repeated one, and one with which its series started again.
    field
        The path at fault of a dead letter, None if it is the whole event.
    stood_in
        For which of "series" and "timestamp" the record stood in, as the event itself had no such field; and which
        optional parts of its series' name it lacks.
    began
        Whether it is the first of its series.
    restarted
        Whether its series, known before, started again with it.
    scored
        Whether what came was compared with a forecast by a series that knows its usual errors.
    series
        Its name; "" of a dead letter or a skipped record.
    outside
        Its value, where that lies outside the bounds that the settings give to its series.
    """

    offset: int
    came_to: str
    detail: str = ""
    field: str | None = None
    stood_in: tuple[str, ...] = ()
    began: bool = False
    restarted: bool = False
    scored: bool = False
    series: str = ""
    outside: float | None = None


class Fates(NamedTuple):
    """A fold's fates in the order of the log.

    Attributes
    ----------
    each
        One for each observation and each skipped record.
    masked
        Of each event with observations, in their order: which of its covariates were masked.
    series
        How many the shard had before.
    """

    each: tuple[Fate, ...] = ()
    masked: tuple[tuple[bool, ...], ...] = ()
    series: int = 0

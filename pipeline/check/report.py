"""What is told of a topic: what would be lost, what may be misread, and what mends it."""

import msgspec

from pipeline.check.collisions import Collision
from pipeline.check.draft import Proposal
from pipeline.check.unread import Unread


class Count(msgspec.Struct, frozen=True):
    """How many are of a kind, with one of them."""

    what: str
    count: int
    example: str


class Found(msgspec.Struct, frozen=True):
    """What lies at one path of the settings.

    Attributes
    ----------
    setting, path
        Which.
    found, of
        How many events have it, of how many.
    types
        How many are of each type.
    example
        The first that is not null.
    """

    setting: str
    path: str
    found: int
    of: int
    types: dict[str, int]
    example: str


class Field(msgspec.Struct, frozen=True):
    """One field of the events: in how many it is, of what types, how many different ones, and one of them."""

    path: str
    found: int
    types: dict[str, int]
    distinct: int
    example: str


class Times(msgspec.Struct, frozen=True):
    """When the observations are of.

    Attributes
    ----------
    first, last
        ISO 8601, UTC.
    behind
        Seconds from a time to its record's own: least, median, greatest; None where the records have no time.
    """

    first: str
    last: str
    behind: tuple[float, float, float] | None


class Step(msgspec.Struct, frozen=True):
    """How many series have a step: seconds, 0 for irregular times, None where there are too few to tell."""

    seconds: float | None
    series: int
    example: str


class Values(msgspec.Struct, frozen=True):
    """The values at one path."""

    path: str
    count: int
    missing: int
    least: float | None
    median: float | None
    greatest: float | None


class Dead(msgspec.Struct, frozen=True):
    """Dead letters of one reason, with the first of them."""

    reason: str
    count: int
    partition: int
    offset: int
    detail: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as these settings read it.

    Attributes
    ----------
    topic, partitions, records_in_topic, records
        What there is, and how many records were read.
    held_back
        Whether an open transaction kept some back.
    contents, keys, headers
        What the records are made of.
    paths
        What the settings find.
    fields, events
        All that is there, in how many events; where arrays should be exploded, as if they were.
    observations
        forecasts + dead letters + late + repeated.
    skipped
        Records, or elements of them, that are not meant for us.
    repeated_records
        Records that are there twice, byte by byte.
    dead_letters
        By reason.
    series, singles, scattered, series_examples
        How many there are, how many have one observation only or lie on several partitions, and some.
    collisions
        How many times of a series have several events; some of them.
    unread
        Numbers that no path reaches, also with the changes proposed.
    remarks
        What may be misread.
    proposals, lines
        What to change, and each change as a line of a settings file.
    after
        What would be lost with these changes; None without any.
    """

    topic: str
    partitions: int
    records_in_topic: int
    records: int
    held_back: bool
    contents: tuple[Count, ...]
    keys: tuple[Count, ...]
    headers: tuple[Count, ...]
    paths: tuple[Found, ...]
    fields: tuple[Field, ...]
    events: int
    times: Times | None
    steps: tuple[Step, ...]
    series: int
    singles: int
    scattered: int
    series_examples: tuple[str, ...]
    values: tuple[Values, ...]
    observations: int
    forecasts: int
    late: int
    repeated: int
    repeated_records: int
    restarts: int
    skipped: int
    dead_letters: tuple[Dead, ...]
    collisions: int
    collision_examples: tuple[Collision, ...]
    unread: tuple[Unread, ...]
    remarks: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    lines: dict[str, str]
    after: "After | None"

    @property
    def is_well(self) -> bool:
        """Whether nothing would be lost or misread, as far as the sample tells."""
        nowhere = any(one.found == 0 for one in self.paths if one.setting in ("events.values", "events.covariates"))
        lost = any(one.is_lost for one in self.unread)
        ids = self.series >= 10 and 2 * self.singles > self.observations
        is_read = self.observations == self.forecasts > 0
        return is_read and not (self.proposals or self.scattered or nowhere or lost or ids)


class After(msgspec.Struct, frozen=True):
    """What a topic comes to with the proposed settings."""

    observations: int
    forecasts: int
    late: int
    repeated: int
    dead_letters: int
    skipped: int
    series: int

"""Rows of a file as events."""

from collections.abc import Iterator
from typing import NamedTuple, Self

from lstm_stream import Observation
from pipeline.files.file_options import Fields
from pipeline.files.layout import Layout
from pipeline.files.rows import Row


class Event(NamedTuple):
    """What is known of a series, or of several, at one time.

    Attributes
    ----------
    series
        Its name; with several values, each is the series ``<series>/<field>``.
    time
        Microseconds since the epoch, UTC.
    values, covariates
        One for each of the fields, NaN where there is none.
    """

    series: str
    time: int
    values: tuple[float, ...]
    covariates: tuple[float, ...] = ()

    @classmethod
    def of(cls, observation: Observation) -> Self:
        """The event of an observation that came alone."""
        return cls(observation.series, observation.time, (observation.value,))


def names_of(key: str, layout: Layout, fields: Fields) -> list[str]:
    """What the series of a row are called, as by the daemon."""
    if layout.by_row:
        return [key] if len(layout.values) == 1 else [f"{key}/{name}" for name in fields.values]
    if layout.across:
        return [key]
    columns = [layout.columns[place] for place in layout.values]
    return [f"{key}/{name}" for name in columns] if layout.series else columns


def events_of(row: Row, layout: Layout, names: list[str]) -> Iterator[Event]:
    """The events of a row whose series are called so."""
    if layout.by_row:
        yield Event(row.key, row.time, row.values, row.covariates)
        return
    for name, value in zip(names, row.values, strict=True):
        yield Event(name, row.time, (value,), row.covariates)

"""Files as events in the order of their time stamps: CSV, Parquet or JSON lines, long or wide, packed or not.

In a long file a column names the series of each row; in a wide one each column of values is a series. Which is which
tells `pipeline.files.layout`. Where events hold several values, a row is one event, called as the file where no column
names its series; else each cell of a value is one. Covariates of a row go along with its events.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from lstm_stream import Observation
from pipeline.evaluation.actuals import season_of
from pipeline.files.events import Event, events_of, names_of
from pipeline.files.file_options import NO_OPTIONS, PLAIN, Fields, FileOptions
from pipeline.files.gaps import NO_GAPS, Gaps, gaps_of, in_autumn_hour, steps_told
from pipeline.files.header import with_header
from pipeline.files.layout import Layout, layout_of
from pipeline.files.packing import TableError
from pipeline.files.reader import Sheet, read_sheet
from pipeline.files.rhythm import Integers, Rhythm, rhythm_of
from pipeline.files.rows import Reading, in_time
from pipeline.files.seriesfinder import REPEATED
from pipeline.sentinels import Spread


class Table(msgspec.Struct, frozen=True):
    """A file that was read through once and found good.

    Attributes
    ----------
    sheet, layout, fields
        The file, which column is what, and what an event's fields are called.
    series
        The names of its series, in the order of their first appearance.
    length
        How many events it holds.
    together
        How many observations each row holds: what was seen at once, side by side in `read`.
    ordered
        Whether its time stamps never go back.
    rhythm
        What lies between its rows.
    rows
        Rows of the shortest and of the longest series.
    missing
        Cells taken as missing, and how often each.
    sentinels
        Values far from all others that may mean a missing one, and how often each stands there.
    empty_rows
        Rows left out as nothing stands in them.
    repeated, are_in_autumn
        Rows with the time of another one of their series, and whether all stand where clocks may have been set back.
    gaps
        Rows that are missing.
    steps
        In words, how far apart rows are in the series, where that differs.
    valueless
        Columns in which no row has a value.
    """

    sheet: Sheet
    layout: Layout
    fields: Fields
    series: tuple[str, ...]
    length: int
    together: int
    ordered: bool
    rhythm: Rhythm
    rows: tuple[int, int]
    missing: dict[str, int]
    sentinels: dict[float, int]
    empty_rows: int
    repeated: int
    are_in_autumn: bool
    gaps: Gaps
    steps: str
    valueless: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.sheet.path

    @property
    def observations(self) -> int:
        """How many observations its events hold, missing values included."""
        return self.length * (len(self.fields.values) if self.layout.by_row else 1)

    def events(self) -> Iterator[Event]:
        """Every event by time stamp; those of one time stamp in the file's order.

        A file in the order of time is streamed, any other one is sorted in memory, as numbers.
        """
        rows = Reading(self.sheet, self.layout).rows()
        for row in rows if self.ordered else in_time(rows):
            yield from events_of(row, self.layout, names_of(row.key, self.layout, self.fields))

    def read(self) -> Iterator[Observation]:
        """Every observation, in the order of the events."""
        names = self.fields.values
        for event in self.events():
            if len(event.values) == 1:
                yield Observation(event.series, event.time, event.values[0])
                continue
            for name, value in zip(names, event.values, strict=True):
                yield Observation(f"{event.series}/{name}", event.time, value)


def survey(path: Path, fields: Fields = PLAIN, options: FileOptions = NO_OPTIONS) -> Table:
    """Read a file through, so that nothing is done with half a good one.

    Parameters
    ----------
    path
        Of the file.
    fields
        What an event's fields are called; columns with these names hold them.
    options
        What options say of the file.

    Raises
    ------
    TableError
        When it cannot be read, is not such a table, or may be read in several ways.
    """
    sheet = with_header(read_sheet(path, options.encoding))
    layout = layout_of(sheet, fields, options)
    reading = Reading(sheet, layout)
    places, times, lines = array("q"), array("q"), array("q")
    keys: dict[str, int] = {}
    known = [False] * (1 if layout.across else len(layout.values))
    spreads = [Spread() for _ in known]
    for row in reading.rows():
        places.append(keys.setdefault(row.key, len(keys)))
        times.append(row.time)
        lines.append(row.number)
        if not all(known):
            known = [one or not math.isnan(value) for one, value in zip(known, row.values, strict=True)]
        for spread, value in zip(spreads, row.values, strict=True):
            spread.add(value)
    if not times:
        raise TableError(f"{path} has a header but no rows")
    stamps = _Stamps(np.array(places), np.array(times), np.array(lines))
    again = stamps.again()
    if len(again) > max(REPEATED * len(times), 0) and options.step != "event":
        raise _repeating(sheet, layout, tuple(keys), stamps, again)
    counts = np.bincount(stamps.series)
    rhythm = _rhythm(stamps, options.step)
    is_counted = layout.time is None or options.step == "event"
    return Table(
        sheet=sheet,
        layout=layout,
        fields=fields,
        series=tuple(name for key in keys for name in names_of(key, layout, fields)),
        length=len(times) * (1 if layout.by_row or layout.across else len(layout.values)),
        together=1 if layout.across else len(layout.values),
        ordered=bool(np.all(np.diff(stamps.times) >= 0)),
        rhythm=rhythm,
        rows=(int(counts.min()), int(counts.max())),
        missing=dict(reading.missing.most_common()),
        sentinels=_sentinels(spreads),
        empty_rows=reading.empty_rows,
        repeated=len(again),
        are_in_autumn=options.timezone == "UTC" and in_autumn_hour(stamps.times[again]),
        gaps=NO_GAPS if is_counted else gaps_of(stamps.series, stamps.times, rhythm),
        steps="" if is_counted else steps_told(stamps.series, stamps.times, tuple(keys)),
        valueless=tuple(layout.columns[layout.values[index]] for index, one in enumerate(known) if not one),
    )


def _sentinels(spreads: list[Spread]) -> dict[float, int]:
    counts: Counter[float] = Counter()
    for spread in spreads:
        counts.update(spread.sentinels())
    return dict(counts.most_common())


class _Stamps(NamedTuple):
    """Series, time and row of the file of each row that was read, (N,)."""

    series: Integers
    times: Integers
    numbers: Integers

    def again(self) -> Integers:
        """The rows that have the time of an earlier one of their series."""
        order = np.lexsort((self.times, self.series))
        same = (np.diff(self.times[order]) == 0) & (np.diff(self.series[order]) == 0)
        return np.sort(order[1:][same])


def _rhythm(stamps: _Stamps, step: float | str) -> Rhythm:
    if isinstance(step, str):
        return rhythm_of(stamps.series, stamps.times)
    return Rhythm(step, False, False, season_of(step))


def _repeating(sheet: Sheet, layout: Layout, keys: tuple[str, ...], stamps: _Stamps, again: Integers) -> TableError:
    """Says where a series has two rows of one time, and what mends it."""
    index = int(again[0])
    own = (stamps.series == stamps.series[index]) & (stamps.times == stamps.times[index])
    first, second = (sheet.line(int(number)) for number in stamps.numbers[np.flatnonzero(own)[:2]])
    whose = f" of `{keys[stamps.series[index]]}`" if layout.series else ""
    count = "1 row" if len(again) == 1 else f"{len(again):,} rows"
    clocks = "say --timezone if clocks were set back in that hour, " if in_autumn_hour(stamps.times[again]) else ""
    return TableError(
        f"{sheet.path}: times repeat{whose} (lines {first} and {second}; {count} in all); {clocks}name every column"
        " that tells series apart with --series, or take each row as a step, whatever its time, with --step event"
    )

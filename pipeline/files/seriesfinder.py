"""Which columns name the series of a row: those without which one time stands in many rows."""

import re
from array import array
from collections.abc import Sequence
from itertools import combinations, islice

import numpy as np

from pipeline.files.cells import SWITCHES, like_a_number
from pipeline.files.clocks import CLOCK, are_clocks
from pipeline.files.file_options import Cells, FileOptions
from pipeline.files.packing import TableError
from pipeline.files.reader import Sheet
from pipeline.files.sample import SHOWN, Sample, short
from pipeline.files.timecolumn import TimeColumn
from pipeline.stamps import StampError

REPEATED = 0.01
"""Share of rows that may have the time of another one of their series: a clock set back in autumn. More: a column tells
them apart."""
SERIES_NAMES = ("unique_id", "series_id", "entity_id", "item_id", "ts_id", "metric", "sensor", "sensor_id")
ID_NAME = re.compile(r"(^|[^a-z])(id|nr|no|key|code)$", re.IGNORECASE)
NOUN_NAME = re.compile(
    r"(^|[^a-z])(sensor|node|device|station|site|store|shop|meter|channel|machine|unit|house|household|building|room|zone"
    r"|location|area|region|district|line|route|user|customer|client|vehicle|turbine|inverter|pump|motor|engine|plant"
    r"|feeder|bus|panel|cell|tag|asset|item|product|sku|series|group|host|server|gateway|well|farm|lot|branch|dept"
    r"|department|category|class|type|kind)([ _-]?(id|nr|no|num|number|key|code))?$",
    re.IGNORECASE,
)
"""What has several series, of which each may be called by a number."""
PART_NAME = re.compile(
    r"(hour|hr|he|hour[ _-]?(ending|of[ _-]?day|beginning)|stunde|heure|hora|minute|(settlement[ _-]?)?period|interval"
    r"|(half|quarter)[ _-]?hour|time|hhmm|hrmn|hh|slot|month|monat|mois|mes|week|quarter|day)s?",
    re.IGNORECASE,
)
DAY_PARTS = (24, 48, 96)
"""Hours, half hours and quarters of an hour."""
MOST_LABELS = 8
"""Columns of which up to three together may name the series."""


class SeriesFinder:
    """Looks for the columns that name series.

    Parameters
    ----------
    sample
        The sheet's first rows.
    options
        Columns that were named, and how it is written.
    """

    def __init__(self, sample: Sample, options: FileOptions) -> None:
        self._sample, self._options = sample, options

    def found(self, time: TimeColumn | None, free: Sequence[int], chosen: bool) -> tuple[int, ...]:
        """Columns that tell series apart, where one time stands in many rows."""
        labels = [place for place in free if self._may_name_series(place)]
        if time is None:
            return self._named_series(labels, (), chosen)
        seen = _Seen(self._sample.sheet, time, [])
        if seen.repeats(()) <= REPEATED:
            return self._named_series(labels, time.places, chosen)
        if self._options.step == "event":
            return ()
        labels = labels[:MOST_LABELS]
        seen = _Seen(self._sample.sheet, time, labels)
        if known := [
            place
            for place in labels
            if self._sample.columns[place] in SERIES_NAMES and seen.repeats((place,)) <= REPEATED
        ]:
            return (known[0],)
        for count in (1, 2, 3):
            fitting = [few for few in combinations(labels, count) if seen.repeats(few) <= REPEATED]
            if len(fitting) > 1:
                ways = " or ".join(
                    "--series " + ",".join(self._sample.called(place) for place in few) for few in fitting[:3]
                )
                raise TableError(
                    f"{self._sample.path}: {seen.told}; more than one column may tell the series apart: say {ways}"
                )
            if fitting:
                self._check_no_time(fitting[0], time)
                return fitting[0]
        raise TableError(
            f"{self._sample.path}: {seen.told}; {self._clock_beside(time, free)}name the column that tells the series"
            " apart with --series, or take each row as a step, whatever its time, with --step event"
        )

    def _clock_beside(self, time: TimeColumn, free: Sequence[int]) -> str:
        """What to say of a column that is called like a time of day and holds such."""
        dates = ",".join(self._sample.called(place) for place in time.places)
        for place in free:
            name, cells = self._sample.columns[place], self._sample.cells[place]
            if PART_NAME.fullmatch(name) and cells and are_clocks(cells):
                return f"say --time {dates},{name} if `{name}` is the time of day, "
        return ""

    def _check_no_time(self, places: Sequence[int], time: TimeColumn) -> None:
        """Refuse what may be a part of the time: each of its values would be a series of its own."""
        for place in places:
            name, cells = self._sample.columns[place], self._sample.cells[place]
            if not self._may_be_of_the_time(name, cells):
                continue
            dates = " + ".join(self._sample.called(one) for one in time.places)
            fix = "write both into one column, such as 2024-05-01 13:00"
            if len(time.places) == 1 and are_clocks(cells):
                fix = f"say --time {dates},{name}"
            raise TableError(
                f"{self._sample.path}: `{name}` may be a part of the time beside `{dates}`, or name series; {fix}, or"
                f" say --series {name}"
            )

    def _may_be_of_the_time(self, name: str, cells: Sequence[str]) -> bool:
        """By its name; as a time of day with colons; or as it counts the hours, half hours or quarters of a day."""
        kinds = set(cells)
        if all(map(CLOCK.fullmatch, kinds)):
            return True
        if not all(map(like_a_number, kinds)):
            return False
        counts = sorted(int(cell) for cell in kinds) if all(map(str.isdecimal, kinds)) else []
        is_count = len(counts) in DAY_PARTS and counts in (list(range(len(counts))), list(range(1, len(counts) + 1)))
        return is_count or PART_NAME.fullmatch(name) is not None

    def _named_series(self, labels: Sequence[int], times: Sequence[int], chosen: bool) -> tuple[int, ...]:
        """A column of text beside times that never repeat: series, by its name, or else a question."""
        texts = [place for place in labels if self._is_label(place)]
        known = [place for place in texts if self._sample.columns[place] in SERIES_NAMES]
        if known:
            return (known[0],)
        several = [place for place in texts if len(set(self._sample.cells[place])) > 1]
        if several and not chosen:
            name, cells = self._sample.called(several[0]), self._sample.cells[several[0]]
            used = {*several, *times}
            switches = "--booleans if it is on or off, " if {cell.lower() for cell in cells} <= SWITCHES.keys() else ""
            others = [
                self._sample.called(place)
                for place in self._sample.numeric()
                if place not in used and not self._sample.counts_rows(place)
            ]
            raise TableError(
                f"{self._sample.path}: `{name}` may name {len(set(cells))} series (`{short(cells[0])}`, ...), or be"
                " a note beside one;"
                f" say --series {name}, {switches}or name the values alone: --values"
                f" {','.join(others[:SHOWN]) or 'COLUMN'}"
            )
        return ()

    def _is_label(self, place: int) -> bool:
        """Text, or numbers whose column says that they are no quantities."""
        name = self._sample.columns[place]
        numeric = all(like_a_number(cell) or self._is_switch(cell) for cell in self._sample.cells[place])
        return not numeric or ID_NAME.search(name) is not None or NOUN_NAME.search(name) is not None

    def _is_switch(self, cell: str) -> bool:
        return self._options.booleans and cell.lower() in SWITCHES

    def _may_name_series(self, place: int) -> bool:
        """Text, or whole numbers, of which each comes again and again, or whose column says that it names series."""
        name, cells = self._sample.columns[place], self._sample.cells[place]
        kinds = set(cells)
        whole = all(re.fullmatch(r"\d+", cell) for cell in kinds) or not any(map(like_a_number, kinds))
        mixed = not whole and sum(map(like_a_number, kinds)) < len(kinds) / 2
        is_called_so = name in SERIES_NAMES or NOUN_NAME.search(name) is not None
        return bool(cells) and (whole or mixed) and (is_called_so or len(kinds) == 1 or len(kinds) <= len(cells) / 2)


class _Seen:
    """How often the times of a file come again, alone and beside other columns."""

    def __init__(self, sheet: Sheet, time: TimeColumn, labels: Sequence[int]) -> None:
        texts: array[int] = array("q")
        columns: dict[int, array[int]] = {place: array("q") for place in labels}
        zoned = time.stamps.timezone != "UTC"
        for number, row in enumerate(sheet.rows()):
            if not any(row):
                continue
            text = time.text(row)
            is_alone = not text.strip() or (zoned and _comes_twice(time, row))
            texts.append(-number - 2 if is_alone else hash(text))
            for place, cells in columns.items():
                cells.append(hash(row[place]))
        self._times = np.frombuffer(texts, np.int64)
        self._columns = {place: np.frombuffer(cells, np.int64) for place, cells in columns.items()}
        self._sheet, self._time = sheet, time

    def repeats(self, places: Sequence[int]) -> float:
        """Share of the rows that have the time of another one, with the same cells in these columns."""
        key = self._times.copy()
        for place in places:
            key = key * 1_000_003 + self._columns[place]
        return 1 - len(np.unique(key)) / len(key) if len(key) else 0.0

    @property
    def told(self) -> str:
        """The first time that comes again, and in how many rows it does."""
        _, first, counts = np.unique(self._times, return_index=True, return_counts=True)
        again = int(first[counts > 1].min())
        later = int(np.flatnonzero(self._times == self._times[again])[1])
        text = self._time.text(next(islice(self._sheet.rows(), again, None)))
        rows = int(counts[counts > 1].sum())
        return (
            f"times repeat (`{text}` in lines {self._sheet.line(again)} and {self._sheet.line(later)}; {rows:,}"
            " rows in all)"
        )


def _comes_twice(time: TimeColumn, row: Cells) -> bool:
    """Whether a time is of the hour that autumn repeats, so that it may stand in two rows."""
    try:
        return time.read(row).later is not None
    except StampError:
        return False

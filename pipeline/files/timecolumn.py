"""A column of times, or two, or the parts of a date in several: what each row says of its time."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.files.clocks import clock_of
from pipeline.files.dateparts import written
from pipeline.files.file_options import Cells
from pipeline.files.timeforms import TimeForm
from pipeline.stamps import Stamp, StampError, Stamps


class TimeColumn(NamedTuple):
    """Where a row has its time, and how it is read.

    Attributes
    ----------
    places
        The columns: one, a date and a time of day, or the parts of a date.
    told
        In words, for the first line of a run.
    stamps
        Reads what `text` gives.
    form
        Of the first column.
    clock
        Reads the time of day in the second one.
    parts
        Which part of a date each column holds; empty: none does.
    """

    places: tuple[int, ...]
    told: str
    stamps: Stamps
    form: TimeForm
    clock: Callable[[str], str] = clock_of
    parts: tuple[str, ...] = ()

    def text(self, row: Cells) -> str:
        """What the row says of its time, as it stands."""
        return " ".join([row[place] for place in self.places])

    def read(self, row: Cells) -> Stamp:
        """The row's time.

        Raises
        ------
        StampError
            When it is not written like the others, or is none.
        """
        if self.parts:
            return self.stamps.read(written(self.parts, [row[place] for place in self.places]))
        first = row[self.places[0]]
        if self.form.pattern is not None and self.form.pattern.fullmatch(first) is None:
            raise StampError("another_form", f"is not written like the times before it ({self.form.told})")
        if len(self.places) == 1:
            return self.stamps.read(self.form.iso(first))
        return self.stamps.read(self.form.iso(first) + self.clock(row[self.places[1]]))

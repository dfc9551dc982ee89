"""A column of times, or two, or the parts of a date in several: what each row says of its time."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.files.clocks import ascii_pattern, clock_of
from pipeline.files.file_options import Cells
from pipeline.files.timeforms import TimeForm, same
from pipeline.stamps import Stamp, StampError, Stamps

PARTS = ("year", "month", "day", "hour", "minute", "second")


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
    """

    places: tuple[int, ...]
    told: str
    stamps: Stamps
    form: TimeForm
    clock: Callable[[str], str] = clock_of

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
        first = row[self.places[0]]
        if self.form.pattern is not None and self.form.pattern.fullmatch(first) is None:
            raise StampError("another_form", f"is not written like the times before it ({self.form.told})")
        if len(self.places) == 1:
            return self.stamps.read(self.form.iso(first))
        if self.form is PARTS_FORM:
            return self.stamps.read(_of_parts([row[place] for place in self.places]))
        return self.stamps.read(self.form.iso(first) + self.clock(row[self.places[1]]))


PARTS_FORM = TimeForm("parts", ascii_pattern(r"\d{4}(?:\.0)?"), same)


def _of_parts(parts: Sequence[str]) -> str:
    """Year, month and so on as one date."""
    numbers = [int(float(part)) for part in parts]
    year, month, day = (*numbers, 1, 1)[: max(3, len(numbers))][:3]
    clock = [f"{number:02d}" for number in [*numbers[3:], 0, 0, 0][:3]]
    return f"{year:04d}-{month:02d}-{day:02d} {':'.join(clock)}"

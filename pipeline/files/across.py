"""Times in the header: each row is a series, and its values stand below their times."""

from collections.abc import Sequence
from itertools import combinations

from pipeline.files.clocks import ascii_pattern
from pipeline.files.dateorder import order_of
from pipeline.files.file_options import FileOptions
from pipeline.files.monthnames import month_of
from pipeline.files.packing import TableError
from pipeline.files.sample import Sample, short
from pipeline.files.timecolumn import TimeColumn
from pipeline.files.timeforms import ANY, SLASHED, TimeForm, form_of, is_date, named_form, slashed_form
from pipeline.stamps import Stamps

YEAR_COLUMN = ascii_pattern(r"[XYF]?((?:19|20)\d\d)(?: \[YR\d{4}\])?")
"""2024, X2024 as R writes it, Y2024 (FAO), 2024 [YR2024] (World Bank)."""


def _without_marks(name: str) -> str:
    match = YEAR_COLUMN.fullmatch(name)
    return match[1] if match else name


class Across:
    """Looks for times in a header.

    Parameters
    ----------
    sample
        The sheet's first rows.
    options
        Columns that were named, and how it is written.
    """

    def __init__(self, sample: Sample, options: FileOptions) -> None:
        self._sample, self._options = sample, options

    def dated(self) -> tuple[int, ...]:
        """Columns whose names are times, where they are most of a wide header."""
        dated = [
            place for place, name in enumerate(self._sample.columns) if is_date(name) or YEAR_COLUMN.fullmatch(name)
        ]
        names = [self._sample.columns[place] for place in dated]
        if (
            len(dated) < 3
            or 2 * len(dated) < len(self._sample.columns)
            or dated[0] == 0
            or form_of(list(map(_without_marks, names))) is None
        ):
            return ()
        return tuple(dated)

    def time(self, dated: tuple[int, ...]) -> TimeColumn:
        """These columns as those of the times."""
        form = form_of([_without_marks(self._sample.columns[place]) for place in dated]) or ANY
        if form.pattern is SLASHED:
            form = self._ordered_header(dated)
        if form.told == "year":
            form = TimeForm(form.told, YEAR_COLUMN, _without_marks)
        return TimeColumn(dated, f"the header ({form.told})", Stamps("auto", self._options.timezone), form)

    def series(self, named: tuple[int, ...], dated: tuple[int, ...]) -> tuple[int, ...]:
        """Columns that name the series of a row: those that were named, or the fewest that tell all rows apart."""
        labels = [place for place in range(len(self._sample.columns)) if place not in dated]
        series = named or self._telling([place for place in labels if self._sample.cells[place]])
        if not self._options.series:
            self._check_no_months_down(series, dated)
        return series

    def _telling(self, labels: Sequence[int]) -> tuple[int, ...]:
        """The fewest columns that name each row anew."""
        rows = self._sample.sheet.sample
        for count in range(1, len(labels) + 1):
            for few in combinations(labels, count):
                if len({tuple(row[place] for place in few) for row in rows}) == len(rows):
                    return few
        raise TableError(
            f"{self._sample.path}: its header holds times, but no column names each row's series; name some with"
            " --series"
        )

    def _check_no_months_down(self, series: tuple[int, ...], dated: tuple[int, ...]) -> None:
        """Refuse months down and years across: each month would be a series of its own."""
        if len(series) != 1:
            return
        cells, name = self._sample.cells[series[0]], self._sample.called(series[0])
        by_name = {month_of(cell) for cell in cells} == set(range(1, 13))
        by_number = len(cells) == 12 and sorted(cells) == sorted(map(str, range(1, 13)))
        if by_name or by_number:
            raise TableError(
                f"{self._sample.path}: the rows are the months of the years in the header"
                f" (`{short(self._sample.columns[dated[0]])}`, ...); write a row for each, with a time such as 2024-05,"
                f" or say --series {name} if each month is a series of its own"
            )

    def _ordered_header(self, dated: tuple[int, ...]) -> TimeForm:
        if self._options.time_format:
            return named_form(self._options.time_format)
        orders = order_of([self._sample.columns[place]] for place in dated)
        if len(orders.left) == 1:
            return slashed_form(orders.left[0])
        raise TableError(
            f"{self._sample.path}: `{orders.example}` in the header may have the day or the month first; say"
            " --time-format d/m/Y or m/d/Y"
        )

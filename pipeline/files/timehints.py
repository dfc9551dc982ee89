"""What else a file without a column of times may be, and what to do about it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from pipeline.files.cells import like_a_number
from pipeline.files.clocks import NUMBER
from pipeline.files.sample import Sample, is_counter
from pipeline.files.timeforms import is_span
from pipeline.files.timenames import TIME_NAME

FISCAL = re.compile(r"\bFY ?\d|\d FY\b|\b(19|20)\d\d/\d\d\b")


def hint_of(sample: Sample) -> str:
    """What else a file without times may be."""
    first, name = sample.cells[0], sample.columns[0]
    if spans := [place for place, cells in enumerate(sample.cells) if cells and is_span(cells[0])]:
        return f"; `{sample.called(spans[0])}` holds the start and the end of each: leave one of them in it"
    if is_counter(first):
        return f", or count its rows by --time {name} --step 1h"
    if first and not any(map(like_a_number, first)) and len(set(first)) == len(first) and len(sample.columns) > 3:
        return "; where each row is a series and its columns are steps, transpose it"
    if any(FISCAL.search(cell) for cells in sample.cells for cell in cells[:1]):
        return "; which months a fiscal quarter has differs: write the first of each, such as 2024-04"
    if years := [place for place in range(len(sample.columns)) if _may_be_decimal_years(sample, place)]:
        return f"; where `{sample.called(years[0])}` counts years with decimals, write dates, such as 2024-05-01"
    if excel := [place for place in range(len(sample.columns)) if _may_be_of_excel(sample, place)]:
        return (
            f"; where `{sample.called(excel[0])}` counts days, add --time-format excel (since 1900) or"
            " days (since 1970)"
        )
    return ""


def _may_be_decimal_years(sample: Sample, place: int) -> bool:
    cells = sample.cells[place]
    return bool(cells) and all(re.fullmatch(r"(1[5-9]|20)\d\d\.\d+", cell) for cell in cells) and never_falls(cells)


def _may_be_of_excel(sample: Sample, place: int) -> bool:
    cells = sample.cells[place]
    if not TIME_NAME.search(sample.columns[place]) or not cells or not all(map(NUMBER.fullmatch, cells)):
        return False
    return all(9_000 <= float(cell) <= 73_000 for cell in cells) and never_falls(cells)


def never_falls(cells: Sequence[str]) -> bool:
    """Whether numbers only rise, or stay."""
    numbers = [float(cell) for cell in cells]
    return all(before <= after for before, after in pairwise(numbers))

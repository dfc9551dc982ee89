"""What the rows of a file leave out, and where their steps differ: told, as each row is taken as the next step."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.actuals import DAY
from pipeline.files.rhythm import Integers, Rhythm, every

HALF = 0.5
"""Of a step: so much further apart than one step are two rows with others missing between them."""
OTHER = 1.5
"""Times another: the steps of two series are then different ones."""
FEWEST = 3
"""Rows that tell the step of a series."""


class Gaps(NamedTuple):
    """Rows that are missing.

    Attributes
    ----------
    places, rows
        How many gaps, and how many rows are missing in them.
    begin, end
        The rows about the longest one, microseconds.
    """

    places: int
    rows: int
    begin: int
    end: int


NO_GAPS = Gaps(0, 0, 0, 0)


def gaps_of(series: Integers, times: Integers, rhythm: Rhythm) -> Gaps:
    """The gaps between rows (N,) of these series at these times, in steps of each series' own."""
    before, after, whose = _pairs(series, times)
    apart = (after - before) / 1e6
    steps = _medians(whose, apart, len(np.bincount(series)))[whose] if len(apart) else apart
    missing = np.rint(apart / np.maximum(steps, 1e-6)).astype(np.int64) - 1
    if rhythm.business:
        missing = _business_days(before, after) - 1
    missing = np.where((apart > (1 + HALF) * steps) & (missing > 0), missing, 0)
    if rhythm.irregular or not missing.any():
        return NO_GAPS
    longest = int(np.argmax(missing))
    return Gaps(int((missing > 0).sum()), int(missing.sum()), int(before[longest]), int(after[longest]))


def steps_told(series: Integers, times: Integers, names: tuple[str, ...]) -> str:
    """The steps of the series where these differ, the commonest first, with an example of each; else empty."""
    before, after, whose = _pairs(series, times)
    counts = np.bincount(whose, minlength=len(names))
    steps = _medians(whose, (after - before) / 1e6, len(names))
    known = np.flatnonzero(counts + 1 >= FEWEST)
    if len(known) < 2 or steps[known].max() <= OTHER * steps[known].min():
        return ""
    words = {int(place): every(float(steps[place])) for place in known}
    most = Counter(words.values()).most_common(FEWEST)
    example = {word: names[next(place for place, own in words.items() if own == word)] for word, _ in most}
    return ", ".join(f"{word} in {count:,} (`{example[word]}`)" for word, count in most)


def _pairs(series: Integers, times: Integers) -> tuple[Integers, Integers, Integers]:
    """Times of rows that follow each other in a series, earlier and later, and whose they are; none of equal times."""
    order = np.lexsort((times, series))
    times, series = times[order], series[order]
    use = (np.diff(series) == 0) & (np.diff(times) > 0)
    return times[:-1][use], times[1:][use], series[1:][use]


def _medians(whose: Integers, apart: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """The median of each series' distances; 0 where it has none."""
    order = np.lexsort((apart, whose))
    counts = np.bincount(whose, minlength=count)
    ends = np.cumsum(counts)
    middle = np.clip(ends - counts + (counts - 1) // 2, 0, max(len(apart) - 1, 0))
    return np.where(counts > 0, apart[order][middle], 0.0) if len(apart) else np.zeros(count)


def _business_days(before: Integers, after: Integers) -> Integers:
    day = round(DAY * 1e6)
    return np.busday_count((before // day).astype("datetime64[D]"), (after // day).astype("datetime64[D]"))


def in_autumn_hour(times: Integers) -> bool:
    """Whether all of these are of the first hours of a Sunday, as where clocks are set back."""
    day = round(DAY * 1e6)
    return bool(len(times)) and bool(np.all(((times // day + 3) % 7 == 6) & (times % day < day // 6)))

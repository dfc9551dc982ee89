"""How far apart a file's rows are, and what season that suggests."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.actuals import BUSINESS_WEEK, DAY, season_of

Integers = npt.NDArray[np.int64]

NEAR = 0.05  # of a step: so far a gap may be from it
IRREGULAR = 0.25  # share of gaps that are another one
WEEKDAYS = 10  # days that have to be working days alone
WORDS = (
    *((1.0, "second"), (60.0, "minute"), (3600.0, "hour"), (DAY, "day"), (7 * DAY, "week"), (30.44 * DAY, "month")),
    *((91.3 * DAY, "quarter"), (365.25 * DAY, "year")),
)
UNITS = ((DAY, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


class Rhythm(NamedTuple):
    """What lies between the rows of a series.

    Attributes
    ----------
    step
        Seconds, the median; 0: there are no two rows.
    business
        Whether rows are days, and none a Saturday or Sunday.
    irregular
        Whether more than a quarter of the gaps are other ones.
    season
        Steps of the season that this suggests; 1: none.
    """

    step: float
    business: bool
    irregular: bool
    season: int

    @property
    def told(self) -> str:
        """In words: a row a week, a row every 15 minutes."""
        if not self.step:
            return "one row each"
        apart = "a row a business day" if self.business else every(self.step)
        return f"{apart}, irregular" if self.irregular else apart


def rhythm_of(series: Integers, times: Integers) -> Rhythm:
    """The rhythm of rows (N,) of these series at these times, microseconds, in any order."""
    order = np.lexsort((times, series))
    gaps = np.diff(times[order])[np.diff(series[order]) == 0]
    gaps = gaps[gaps > 0] / 1e6
    if not len(gaps):
        return Rhythm(0.0, False, False, 1)
    step = float(np.median(gaps))
    business = step == DAY and _has_no_weekend(times)
    others = np.abs(gaps - step) > np.maximum(NEAR * step, 3.1 * DAY if step > 27 * DAY else 0)
    irregular = bool(np.mean(others) > IRREGULAR)
    return Rhythm(step, business, irregular, BUSINESS_WEEK if business else season_of(step))


def _has_no_weekend(times: Integers) -> bool:
    days = np.unique(times // round(DAY * 1e6))
    return len(days) >= WEEKDAYS and bool(np.all((days + 3) % 7 < 5))  # 1970 began with a Thursday; Monday is 0


def every(step: float) -> str:
    """In words, how far apart rows are."""
    near = next((word for seconds, word in WORDS if abs(step - seconds) <= NEAR * seconds), None)
    if near:
        return f"a row {'an' if near == 'hour' else 'a'} {near}"
    size, unit = next(((size, unit) for size, unit in UNITS if step >= size), (1e-3, "ms"))
    return f"a row every {step / size:.4g} {unit}"

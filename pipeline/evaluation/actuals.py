"""Actuals, which forecasts are scored against: the rows of each series, and what its errors are measured in.

Shapes: N forecasts at a time, S series, R rows of all series end to end.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ROUNDING = 1e-12  # of the largest value: a difference below is none
HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365.25 * DAY
BUSINESS_WEEK = 5  # steps of a season of days without weekends
SEASONS = ((60.0, HOUR), (DAY / 2, DAY), (7 * DAY / 2, 7 * DAY), (YEAR / 2, YEAR))  # steps up to .. have the season ..


class ScoringError(Exception):
    """Rows that cannot be scored as asked; the message is the fix."""


class Rows(msgspec.Struct, frozen=True):
    """Which rows of a series give its unit, and which are scored; None: 20 %, 25 % and 100 % of its own rows."""

    scale: int | None = None
    score_from: int | None = None
    score_to: int | None = None

    def of(self, series: str, count: int, begin: int = 0) -> "Split":
        """The rows of one series of ``count`` rows, whose first known value is in row ``begin``.

        Raises
        ------
        ScoringError
            When the series is too short for them.
        """
        own = count - begin
        scale = begin + (own // 5 if self.scale is None else self.scale)
        first = begin + own // 4 if self.score_from is None else self.score_from
        split = Split(
            scale=scale,
            score_from=max(first, scale) if begin else first,
            score_to=count if self.score_to is None else min(self.score_to, count),
        )
        if not begin < split.scale <= split.score_from < split.score_to:
            late = f", the first known value in row {begin}" if begin else ""
            raise ScoringError(
                f"series `{series}` has {count} rows{late}: cannot take its unit from rows {begin}:{split.scale} and"
                f" score rows {split.score_from}:{split.score_to}; expected 0 < scale rows <= first scored row < rows"
            )
        return split


class Split(NamedTuple):
    """Rows of one series: its unit from the first known one up to ``scale``, [score_from, score_to) scored."""

    scale: int
    score_from: int
    score_to: int


class Actuals(NamedTuple):
    """What came, all series end to end.

    Attributes
    ----------
    values : (R,)
        The values; NaN where missing.
    first : (S,)
        Where each series begins in ``values``.
    score_from, score_to : (S,)
        Its scored rows.
    unit : (S,)
        Its unit of error: the standard deviation on its scale rows. 1 where no series has one, and for those left out.
    naive_error : (S,)
        Mean absolute seasonal difference before the scored rows, in that unit; NaN where there is none.
    left_out
        Why a series is left out of the means, by its place.
    own_numbers
        Whether no series varies on its scale rows, so that errors are in the values' own unit.
    """

    values: Floats
    first: Integers
    score_from: Integers
    score_to: Integers
    unit: Floats
    naive_error: Floats
    left_out: Mapping[int, str] = MappingProxyType({})
    own_numbers: bool = False

    def scored(self, series: Integers, rows: Integers) -> npt.NDArray[np.bool_]:
        """Which of the forecasts after these rows (N,) have a scored row for their first step, (N,)."""
        scored: npt.NDArray[np.bool_] = (rows >= self.score_from[series] - 1) & (rows + 1 < self.score_to[series])
        return scored

    def targets(self, series: Integers, rows: Integers, steps: int) -> Floats:
        """What came in the steps after these rows (N,), (N, steps); NaN where it is missing or not scored."""
        ahead = rows[:, np.newaxis] + np.arange(1, steps + 1)
        inside = ahead < self.score_to[series, np.newaxis]
        places = np.where(inside, ahead + self.first[series, np.newaxis], 0)
        return np.where(inside, self.values[places], np.nan)


def season_of(step: float) -> int:
    """How many steps of so many seconds the first season has: an hour of seconds, a day of hours, a week of
    days, a year of weeks or months.

    Examples
    --------
    >>> season_of(3600), season_of(86400), season_of(30 * 86400)
    (24, 7, 12)
    """
    fitting = (round(season / step) for longest, season in SEASONS if 0 < step <= longest)
    return next(fitting, 1)


def actuals(names: Sequence[str], values: Sequence[Floats], rows: Rows, season: int) -> Actuals:
    """Lay out each series' values, and what its errors are measured in.

    Parameters
    ----------
    names, values
        S series, each with the values of all its rows in order.
    season
        Steps of the seasonal difference that MASE divides by.
    """
    plans = [_plan(name, own, rows) for name, own in zip(names, values, strict=True)]
    own_numbers = not any(plan.unit for plan in plans)
    left_out = {place: plan.why for place, plan in enumerate(plans) if plan.split is None}
    if len(left_out) == len(plans):
        raise ScoringError(next(iter(left_out.values()), "there is no series to score"))
    if not own_numbers:
        still = "does not vary in the rows that give its unit"
        left_out |= {place: still for place, plan in enumerate(plans) if plan.split is not None and not plan.unit}
    lengths = np.array([len(own) for own in values])
    splits = [
        _scored(plan, len(own), place in left_out) for place, (plan, own) in enumerate(zip(plans, values, strict=True))
    ]
    units = np.array([plan.unit or 1.0 for plan in plans])
    errors = [_naive_error(own[: split.score_from], season) for own, split in zip(values, splits, strict=True)]
    return Actuals(
        values=np.concatenate(values),
        first=np.cumsum(lengths) - lengths,
        score_from=np.array([split.score_from for split in splits]),
        score_to=np.array([split.score_to for split in splits]),
        unit=units,
        naive_error=np.array(errors) / units,
        left_out=left_out,
        own_numbers=own_numbers,
    )


class _Plan(NamedTuple):
    """What is scored of a series; no split: nothing, and why. No unit: it does not vary."""

    split: Split | None
    unit: float
    why: str = ""


def _plan(name: str, values: Floats, rows: Rows) -> _Plan:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return _Plan(None, 0.0, f"series `{name}` has no value")
    try:
        split = rows.of(name, len(values), int(known[0]))
    except ScoringError as error:
        return _Plan(None, 0.0, str(error))
    if not np.any((known >= split.score_from) & (known < split.score_to)):
        return _Plan(None, 0.0, f"series `{name}` has no value in rows {split.score_from}:{split.score_to}")
    return _Plan(split, _unit(values[: split.scale]))


def _scored(plan: _Plan, count: int, is_left_out: bool) -> Split:
    return Split(count, count, count) if plan.split is None or is_left_out else plan.split


def _unit(values: Floats) -> float:
    """The standard deviation; 0 where the values differ by no more than rounding."""
    known = values[np.isfinite(values)]
    deviation = float(np.std(known)) if len(known) else 0.0
    return deviation if deviation > ROUNDING * float(np.max(np.abs(known), initial=0.0)) else 0.0


def _naive_error(values: Floats, season: int) -> float:
    differences = np.abs(values[season:] - values[:-season])
    known = differences[np.isfinite(differences)]
    error = float(np.mean(known)) if len(known) else 0.0
    return error if error > ROUNDING * float(np.nanmax(np.abs(values), initial=0.0)) else np.nan

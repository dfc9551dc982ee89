"""What is not to be remembered as it came: a sensor turned round, a change of unit, a value that got stuck.

Letters: N rows, M values that show a break.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Rows
from lstm_stream.memory import SEASONS, Memory
from lstm_stream.network import Floats

SHOWN = 24
"""Values since a break that show it."""
FAR = 3.0
"""Of how far values usually lie off those of a season before, how far these do."""
NEAR = 1.5
"""The same, once the break is taken out."""
LIKE = 0.9
"""Share of the variance of the values that those of a season before explain."""
SWING = 2.0
"""Of the usual difference, the standard deviation of values that show a season."""
APART, CLEAR = 2.0, 8.0
"""In spreads, and in usual differences from a season before: how far from zero a series is for its sign to be plain."""
CONVERTED = 8.0
"""A factor is -1, or at least this, or at most its inverse, for another unit: patterns change by less."""
ROUND = 0.2
"""A factor off a power of ten by less than this, in logarithms, is that."""
LARGEST, PRECISE = 1e9, 1e6
"""Factors in all, and shifts in usual differences from a season before, that are beyond this are not told apart."""
STUCK = 12
"""Repeats in a row that are no chance, where the longest row before was a quarter as long."""


class Break(NamedTuple):
    """A series that is ``shift + factor * itself`` since a step, in the ring's units."""

    row: int
    since: int
    shift: float
    factor: float


class Standstill(NamedTuple):
    """A stretch in which a series stood still that never did before, and what lay there a season before."""

    row: int
    since: int
    instead: Floats


Values = npt.NDArray[np.float64]


def breaks(rows: Rows, memory: Memory, turning: bool) -> list[Break]:
    """Which of these series have broken (Perron 2006, "Dealing with structural breaks").

    The last values must lie far off those of a season before, by every season the series has, and as near to them as
    usual once the sign is turned or the unit changed. What a shift explains is none: what is learnt are moves.

    Parameters
    ----------
    turning
        Whether a factor may be negative, which turns quantiles round too.
    """
    found = (_broken(row, memory, turning) for row in rows[_far_off(rows, memory)].tolist())
    return [each for each in found if each]


def _far_off(rows: Rows, memory: Memory) -> npt.NDArray[np.bool_]:
    """Whether the newest values lie far off those of all seasons before, which must all be known (N,)."""
    usual, lags = memory.difference_spread[rows][:, SEASONS], _lags(rows, memory)
    there = lags > 0
    known = there.any(1) & (memory.age[rows] > 2 * SHOWN + lags.max(1))
    off = np.abs(memory.newest(rows)[1][:, None] - memory.look_back(rows, lags))
    far: npt.NDArray[np.bool_] = known & ((off > FAR * usual) | ~there).all(1)
    return far


def _lags(rows: Rows, memory: Memory) -> npt.NDArray[np.int64]:
    """How long before all the values that show a break the seasons before them lie, (N, 2); 0: no such is kept."""
    lags = _before(memory.lags[rows][:, SEASONS], SHOWN)
    return np.where(lags + 2 * SHOWN < memory.ring.shape[1], lags, 0)


def _before(season: npt.NDArray[np.int64], steps: int) -> npt.NDArray[np.int64]:
    """The least multiple of a season that is no less than so many steps; 0: there is no season."""
    multiple: npt.NDArray[np.int64] = season * -(-steps // np.maximum(season, 1))
    return multiple


def _broken(row: int, memory: Memory, turning: bool) -> Break | None:
    one = np.asarray([row])
    lags = _lags(one, memory)[0]
    came = _back(row, memory, 0, 2 * SHOWN)
    before = [_back(row, memory, lag, 2 * SHOWN) for lag in lags[lags > 0].tolist()]
    usual = [_usual(row, memory, season) for season in memory.lags[row, SEASONS][lags > 0].tolist()]
    if any(_size((came - then)[:SHOWN]) < FAR * size for then, size in zip(before, usual, strict=True)):
        return None
    outer = float(memory.factor(one)[0])
    zero = -float(memory.first[row]) / outer
    for then, size in zip(before, usual, strict=True):
        apart = abs(float(memory.level[row]) - zero) > max(APART * float(memory.spread[row]), CLEAR * size)
        for shift, factor in _explanations(came[:SHOWN], then[:SHOWN], size, zero, apart, turning):
            if not 1 / LARGEST < abs(outer * factor) < LARGEST:
                continue
            told_apart = abs(shift) < PRECISE * size * max(abs(factor), 1.0)
            left = (came - shift) / factor - then
            if _size(left[:SHOWN]) < NEAR * size and told_apart:
                if factor == 1.0:
                    return None
                explained = (came - then) ** 2 - left**2
                length = 1 + int(np.argmax(np.cumsum(explained)))
                return Break(row, int(memory.age[row]) - length, shift, factor) if length < 2 * SHOWN else None
    return None


def _usual(row: int, memory: Memory, season: int) -> float:
    """How far values lay off those of a season before, in the time before these could have broken."""
    kept = min(int(memory.age[row]), memory.ring.shape[1]) - season - 2 * SHOWN
    count = min(kept, int(memory.span[row]))
    return float(np.abs(_back(row, memory, 2 * SHOWN, count) - _back(row, memory, 2 * SHOWN + season, count)).mean())


def _explanations(
    came: Values, then: Values, usual: float, zero: float, apart: bool, turning: bool
) -> Iterator[tuple[float, float]]:
    """Shifts and factors by which values (M,) may differ from those of a season before, the likelier ones first.

    Parameters
    ----------
    usual
        How far they usually lie apart.
    zero
        What is 0 outside.
    apart
        Whether the series is far from that, so that another sign needs no other proof.
    """
    if turning and apart:
        yield 2 * zero, -1.0
    yield float((came - then).mean()), 1.0
    x, y = then - then.mean(), came - came.mean()
    xy = float(x @ y)
    alike = xy * xy > LIKE * float(x @ x) * float(y @ y) and _size(x) > SWING * usual
    if turning and alike and xy < 0:
        yield 2 * zero, -1.0
        yield float(came.mean() + then.mean()), -1.0
    factor = float((came - zero) @ (then - zero) / max(float((then - zero) @ (then - zero)), 1.0 / LARGEST**2))
    if factor > 0 and not 1 / CONVERTED < factor < CONVERTED:
        power = 10.0 ** round(math.log10(factor))
        off = abs(math.log(factor / power))
        if alike or (apart and off < ROUND / 4):
            factor = power if off < ROUND else factor
            yield (1.0 - factor) * zero, factor


def _back(row: int, memory: Memory, lag: int, count: int) -> Values:
    """So many of the ring's values from so long ago on, newest first."""
    values: Values = memory.look_back(np.asarray([row]), np.arange(lag, lag + count)[None])[0].astype(np.float64)
    return values


def _size(values: Values) -> float:
    return float(np.sqrt((values * values).mean()))


def standstills(rows: Rows, memory: Memory) -> list[Standstill]:
    """Which of these series move again after they stood still for longer than ever.

    A season later it would be taken for what the season is like. A second time it is. In its place comes what lay there
    a season before, moved to meet the values at both ends.
    """
    run = memory.ended[rows]
    stuck = (run >= STUCK) & (run >= 4 * memory.longest[rows])
    found = (_stood_still(row, memory) for row in rows[stuck].tolist())
    return [each for each in found if each]


def _stood_still(row: int, memory: Memory) -> Standstill | None:
    newest, since = int(memory.age[row]) - 1, int(memory.stood_since[row])
    length, kept = newest - since, min(newest + 1, memory.ring.shape[1])
    lags = [lag for lag in _before(memory.lags[row, SEASONS], length).tolist() if lag and lag + length + 1 < kept]
    if not lags:
        return None
    before = _back(row, memory, lags[-1], length + 2)[::-1]
    first, last = _back(row, memory, 0, length + 2)[[-1, 0]] - before[[0, -1]]
    instead = before + np.linspace(float(first), float(last), length + 2)
    return Standstill(row, since, instead[1:-1].astype(np.float32))

"""What is not to be remembered as it came: a sensor turned round, a change of unit, a value that got stuck.

Letters: N rows, J seasons, M values that show a break.
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
APART = 2.0
"""In spreads."""
CONVERTED = 8.0
"""A factor is -1, or at least this, or at most its inverse, for another unit: patterns change by less."""
ROUND = 1.25
"""A factor off a power of ten by less than this is that."""
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
    usual once the sign is turned or the unit changed. A shift needs no such care: what is learnt are moves.

    Parameters
    ----------
    turning
        Whether a factor may be negative, which turns quantiles round too.
    """
    found = (_broken(row, memory, turning) for row in rows[_far_off(rows, memory)].tolist())
    return [each for each in found if each]


def _far_off(rows: Rows, memory: Memory) -> npt.NDArray[np.bool_]:
    """Whether the newest values lie far off those of all seasons before, which must all be known (N,)."""
    seasons, usual = memory.lags[rows][:, SEASONS], memory.difference_spread[rows][:, SEASONS]
    lags = _before(seasons, SHOWN)
    there = seasons > 0
    known = there.any(1) & (memory.age[rows] > 2 * SHOWN + lags.max(1))
    off = np.abs(memory.newest(rows)[1][:, None] - memory.look_back(rows, lags))
    far: npt.NDArray[np.bool_] = known & ((off > FAR * usual) | ~there).all(1)
    return far


def _before(season: npt.NDArray[np.int64], steps: int) -> npt.NDArray[np.int64]:
    """The least multiple of a season that is no less than so many steps; 0: there is no season."""
    multiple: npt.NDArray[np.int64] = season * -(-steps // np.maximum(season, 1))
    return multiple


def _broken(row: int, memory: Memory, turning: bool) -> Break | None:
    seasons = memory.lags[row, SEASONS]
    usual = memory.difference_spread[row, SEASONS][seasons > 0].tolist()
    lags = _before(seasons[seasons > 0], SHOWN)
    if lags.max() + 2 * SHOWN > memory.ring.shape[1]:
        return None
    came = _back(row, memory, 0, 2 * SHOWN)
    before = [_back(row, memory, lag, 2 * SHOWN) for lag in lags.tolist()]
    if any(_size((came - then)[:SHOWN]) < FAR * size for then, size in zip(before, usual, strict=True)):
        return None
    zero = -float(memory.first[row] / memory.factor(np.asarray([row]))[0])
    apart = abs(memory.level[row] - zero) > APART * memory.spread[row]
    for then, size in zip(before, usual, strict=True):
        for shift, factor in _explanations(came[:SHOWN], then[:SHOWN], zero, apart, turning):
            left = (came - shift) / factor - then
            if _size(left[:SHOWN]) < NEAR * size:
                explained = (came - then) ** 2 - left**2
                length = 1 + int(np.argmax(np.cumsum(explained)))
                return Break(row, int(memory.age[row]) - length, shift, factor) if length < 2 * SHOWN else None
    return None


def _explanations(came: Values, then: Values, zero: float, apart: bool, turning: bool) -> Iterator[tuple[float, float]]:
    """Shifts and factors by which values (M,) may differ from those of a season before.

    Parameters
    ----------
    zero
        What is 0 outside.
    apart
        Whether the series is far from that, so that another sign needs no other proof.
    """
    if turning and apart:
        yield 2 * zero, -1.0
    x, y = then - then.mean(), came - came.mean()
    xx, xy, yy = float(x @ x), float(x @ y), float(y @ y)
    if not xx or not yy or xy * xy < LIKE * xx * yy:
        return
    if turning and xy < 0:
        yield 2 * zero, -1.0
        yield float(came.mean() + then.mean()), -1.0
    factor = float((came - zero) @ (then - zero) / ((then - zero) @ (then - zero)))
    if factor > 0 and not 1 / CONVERTED < factor < CONVERTED:
        power = 10.0 ** round(math.log10(factor))
        factor = power if 1 / ROUND < factor / power < ROUND else factor
        yield (1.0 - factor) * zero, factor


def _back(row: int, memory: Memory, lag: int, count: int) -> Values:
    """So many of the ring's values from so long ago on, newest first."""
    values: Values = memory.look_back(np.asarray([row]), np.arange(lag, lag + count)[None])[0].astype(np.float64)
    return values


def _size(values: Values) -> float:
    return float(np.sqrt((values * values).mean()))


def standstills(rows: Rows, memory: Memory) -> list[Standstill]:
    """Which of these series move again after they stood still for longer than ever.

    A season later it would be taken for what the season is like. A second time it is.
    """
    run = memory.ended[rows]
    stuck = (run >= STUCK) & (run >= 4 * memory.longest[rows])
    found = (_stood_still(row, memory) for row in rows[stuck].tolist())
    return [each for each in found if each]


def _stood_still(row: int, memory: Memory) -> Standstill | None:
    length = int(memory.ended[row]) + 1
    kept = min(int(memory.age[row]), memory.ring.shape[1])
    lags = [lag for lag in _before(memory.lags[row, SEASONS], length).tolist() if lag and lag + length < kept]
    if not lags:
        return None
    instead = _back(row, memory, lags[-1] + 1, length)[::-1]
    return Standstill(row, int(memory.age[row]) - 1 - length, instead.astype(np.float32))

"""Structural breaks: a sensor turned round, a change of unit, a value that got stuck.

What comes after a break is kept in the ring as if there had been none.

Letters: M values that show a break, J explanations of it.
"""

import math

import numpy as np

from lstm_stream.arithmetic import Doubles, Flag, Real, Whole, bounded
from lstm_stream.compiled import compiled
from lstm_stream.history import LARGEST_KEPT, History, back, factor
from lstm_stream.scale import Scale
from lstm_stream.seasons import LONG, SHORT

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
MOST = 5
"""J at most."""


@compiled
def mend_break(history: History, scale: Scale, i: int, turning: bool) -> tuple[Whole, Real]:
    """Take out a break that the newest values show (Perron 2006, "Dealing with structural breaks").

    The last values must lie far off those of a season before, by every season the series has, and as near to them as
    usual once the sign is turned or the unit changed. What a shift explains is no break: what is learnt are moves.

    Parameters
    ----------
    turning
        Whether a factor may be negative, which turns quantiles round too.

    Returns
    -------
    The first step of another sign or unit, and the factor of that; -1 where there is no break.
    """
    if not _far_off(history, scale, i):
        return -1, 1.0
    since, shift, found = _explained(history, scale, i, turning)
    if since >= 0:
        _convert(history, i, since, shift, found)
    return since, found


@compiled
def _convert(history: History, i: int, since: int, shift: Real, of: Real) -> None:
    """Take the values from a step on, as they are in the ring, to be ``shift + factor * those to be kept``."""
    for t in range(since, history.age[i]):
        place = t % history.ring.shape[1]
        history.ring[i, place] = bounded((history.ring[i, place] - shift) / of, LARGEST_KEPT)
    outer = factor(history, i)
    history.first[i] += outer * shift
    history.factor_less_one[i] = outer * of - 1.0


@compiled
def _lag(history: History, season: int) -> Whole:
    """How long before all the values that show a break those of seasons before lie; 0: no such is kept."""
    lag = multiple(season, SHOWN)
    return lag if lag + 2 * SHOWN < history.ring.shape[1] else 0


@compiled
def multiple(season: int, steps: int) -> Whole:
    """The least multiple of a season that is no less than so many steps; 0: there is no season."""
    return season * -(-steps // max(season, 1))


@compiled
def _far_off(history: History, scale: Scale, i: int) -> Flag:
    """Whether the newest value lies far off those of all seasons before, which must all be known."""
    value, seasons, longest = back(history, i, 0), 0, 0
    for kind in (SHORT, LONG):
        lag = _lag(history, scale.lags[i, kind])
        if lag > 0:
            seasons += 1
            longest = max(longest, lag)
            if not abs(value - back(history, i, lag)) > FAR * scale.difference[i, kind]:
                return False
    return seasons > 0 and history.age[i] > 2 * SHOWN + longest


@compiled
def _explained(history: History, scale: Scale, i: int, turning: bool) -> tuple[Whole, Real, Real]:
    """First step, shift and factor of the likeliest break; -1 for the step: there is none."""
    came = _values(history, i, 0, 2 * SHOWN)
    for kind in (SHORT, LONG):
        season = scale.lags[i, kind]
        lag = _lag(history, season)
        if lag > 0:
            off = came - _values(history, i, lag, 2 * SHOWN)
            if _size(off[:SHOWN]) < FAR * _usual(history, scale, i, season):
                return -1, 0.0, 1.0
    for kind in (SHORT, LONG):
        season = scale.lags[i, kind]
        lag = _lag(history, season)
        if lag > 0:
            then, usual = _values(history, i, lag, 2 * SHOWN), _usual(history, scale, i, season)
            fits, since, shift, found = _fitting(history, scale, i, came, then, usual, turning)
            if fits:
                return since, shift, found
    return -1, 0.0, 1.0


@compiled
def _fitting(
    history: History, scale: Scale, i: int, came: Doubles, then: Doubles, usual: Real, turning: bool
) -> tuple[bool, Whole, Real, Real]:
    """Whether an explanation fits values (2M,) and those of a season before, and its step, shift and factor."""
    outer = factor(history, i)
    zero = -history.first[i] / outer
    apart = abs(scale.level[i] - zero) > max(APART * scale.spread[i], CLEAR * usual)
    explanations = np.empty((MOST, 2))
    count = _explain(came[:SHOWN], then[:SHOWN], usual, zero, apart, turning, explanations)
    for j in range(count):
        shift, found = explanations[j]
        if not 1 / LARGEST < abs(outer * found) < LARGEST:
            continue
        left = (came - shift) / found - then
        told_apart = abs(shift) < PRECISE * usual * max(abs(found), 1.0)
        if _size(left[:SHOWN]) < NEAR * usual and told_apart:
            length = _length(came - then, left)
            if found == 1.0 or length >= 2 * SHOWN:
                return True, -1, 0.0, 1.0
            return True, history.age[i] - length, shift, found
    return False, -1, 0.0, 1.0


@compiled
def _length(before: Doubles, after: Doubles) -> Whole:
    """For how many of the newest values (2M,) an explanation leaves less, before it and after, than it adds."""
    total, most, length = 0.0, -np.inf, 1
    for k in range(len(before)):
        total += before[k] ** 2 - after[k] ** 2
        if total > most:
            most, length = total, k + 1
    return length


@compiled
def _explain(
    came: Doubles, then: Doubles, usual: Real, zero: Real, apart: bool, turning: bool, explanations: Doubles
) -> Whole:
    """Write shifts and factors (J, 2) by which values (M,) may differ from those of a season before; tells how many.

    The likelier ones come first.

    Parameters
    ----------
    usual
        How far they usually lie apart.
    zero
        What is 0 in the series' unit.
    apart
        Whether the series is far from that, so that another sign needs no other proof.
    """
    count = 0
    if turning and apart:
        count = _add(explanations, count, 2 * zero, -1.0)
    count = _add(explanations, count, (came - then).mean(), 1.0)
    x, y = then - then.mean(), came - came.mean()
    xy = (x * y).sum()
    alike = xy * xy > LIKE * (x * x).sum() * (y * y).sum() and _size(x) > SWING * usual
    if turning and alike and xy < 0:
        count = _add(explanations, count, 2 * zero, -1.0)
        count = _add(explanations, count, came.mean() + then.mean(), -1.0)
    found = ((came - zero) * (then - zero)).sum() / max(((then - zero) ** 2).sum(), 1.0 / LARGEST**2)
    if found > 0 and math.isfinite(found) and not 1 / CONVERTED < found < CONVERTED:
        power = 10.0 ** round(math.log10(found))
        off = abs(math.log(found / power))
        if alike or (apart and off < ROUND / 4):
            found = power if off < ROUND else found
            count = _add(explanations, count, (1.0 - found) * zero, found)
    return count


@compiled
def _add(explanations: Doubles, count: int, shift: Real, of: Real) -> Whole:
    explanations[count, 0], explanations[count, 1] = shift, of
    return count + 1


@compiled
def _usual(history: History, scale: Scale, i: int, season: int) -> Real:
    """How far values lay off those of a season before, in the time before these could have broken."""
    kept = min(history.age[i], history.ring.shape[1]) - season - 2 * SHOWN
    count = min(kept, int(scale.span[i]))
    total = 0.0
    for lag in range(2 * SHOWN, 2 * SHOWN + count):
        total += abs(back(history, i, lag) - back(history, i, lag + season))
    return total / count if count > 0 else np.inf


@compiled
def _values(history: History, i: int, lag: int, count: int) -> Doubles:
    """So many of the ring's values from so long ago on, newest first."""
    values = np.empty(count)
    for k in range(count):
        values[k] = back(history, i, lag + k)
    return values


@compiled
def _size(values: Doubles) -> Real:
    return math.sqrt((values * values).mean())


@compiled
def mend_standstill(history: History, scale: Scale, i: int) -> Whole:
    """Take out a stretch that ended with the newest value, in which the series stood still for longer than ever.

    A season later it would be taken for what the season is like. A second time it is. In its place comes what lay
    there a season before, moved to meet the values at both ends.

    Returns
    -------
    The first step of the stretch; -1 where there is none.
    """
    run = history.ended[i]
    if run < STUCK or run < 4 * history.longest[i]:
        return -1
    length, lag = history.age[i] - 1 - history.stood_since[i], 0
    for kind in (SHORT, LONG):
        before = multiple(scale.lags[i, kind], length)
        if before > 0 and before + length + 1 < min(history.age[i], history.ring.shape[1]):
            lag = before
    if lag == 0:
        return -1
    first = float(back(history, i, length + 1) - back(history, i, lag + length + 1))
    last = float(back(history, i, 0) - back(history, i, lag))
    for k in range(length, 0, -1):
        moved = first + (last - first) * (length + 1 - k) / (length + 1)
        place = (history.age[i] - 1 - k) % history.ring.shape[1]
        history.ring[i, place] = back(history, i, lag + k) + moved
    return history.stood_since[i]

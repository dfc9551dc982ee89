"""What the experts say that repeat what was a season ago.

Letters: H horizons.
"""

import math

import numpy as np

from lstm_stream.arithmetic import Floats, Real, Whole, fill
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back
from lstm_stream.scale import Scale
from lstm_stream.seasons import LONG, SHORT

BACK = 4
"""Seasons that a profile is the mean of."""
CALM_SHORT, CALM_LONG = 4.0, 2.0
"""How far a value lies off its profile fades to 1/e in this part of the shorter season, or of one that was found."""
AGAIN, CALM_DOUBLE = 0.7, 1.0
"""How much of what a value lay off the longer season's profile is there again a shorter season later, and the part of
that season in which the rest of it fades to 1/e."""


@compiled
def say_seasonal(history: History, scale: Scale, i: int, moves: Floats, profiles: Floats) -> None:
    """Write how far values will move (3, H) by the experts from `PROFILE_SHORT` to `DOUBLE_SEASONAL`.

    In the ring's unit; NaN where the series has no such season, or is too young for it.

    Parameters
    ----------
    profiles : (3, 1 + H)
        Workspace to work in.
    """
    short, long = scale.lags[i, SHORT], scale.lags[i, LONG]
    value, day = back(history, i, 0), max(short, 1)
    lived = history.age[i] - scale.born[i]
    _write_profile(history, i, lived, short, day, 0, profiles[0])
    _write_profile(history, i, lived, long, max(long, 1), 0, profiles[1])
    _write_profile(history, i, lived, long if short > 0 else 0, day, max(long, 1), profiles[2])
    _say_fading(value, profiles[0], np.float32(math.exp(-CALM_SHORT / day)), moves[0])
    calm = CALM_SHORT / scale.found[i] if scale.found[i] > 0 else CALM_LONG / day
    _say_fading(value, profiles[1], np.float32(math.exp(-calm)), moves[1])
    fading = np.float32(math.exp(-CALM_DOUBLE / day))
    _say_double(history, i, value, day, profiles[1], profiles[2], np.float32(AGAIN), fading, moves[2])


@compiled
def extend_reach(history: History, scale: Scale, i: int, reach: Floats) -> None:
    """Extend how far values may move down and up (2, H), in the ring's unit, to what came twice, a season apart.

    One outlier a season ago is nothing to repeat; a spike that came two seasons ago, too, is.
    """
    value = back(history, i, 0)
    for kind in (SHORT, LONG):
        season = scale.lags[i, kind]
        if season == 0 or 2 * season >= min(history.age[i] - scale.born[i], history.ring.shape[1]):
            continue
        for h in range(reach.shape[1]):
            lag = lag_of(h + 1, season)
            once, twice = back(history, i, lag) - value, back(history, i, lag + season) - value
            reach[0, h] = min(reach[0, h], max(once, twice))
            reach[1, h] = max(reach[1, h], min(once, twice))


@compiled
def lag_of(ahead: int, season: int) -> Whole:
    """How long before now the newest value is which lies whole seasons before so many steps ahead."""
    return -ahead % season if ahead else season


@compiled
def _write_profile(
    history: History, i: int, lived: int, season: int, length: int, further: int, profile: Floats
) -> None:
    """Write the mean (1 + H,) of the values whole seasons before now and each step ahead; NaN: none is kept.

    Parameters
    ----------
    lived
        Steps since the series first moved.
    season
        Between the values of a mean; 0: there is none.
    length
        The season that the newest value of each mean lies before.
    further
        How much longer before that value is.
    """
    kept = history.ring.shape[1]
    there = min(lived, kept)
    count = min((there - 1 - length - further) // max(season, 1) + 1, BACK) if season > 0 else 0
    if count <= 0:
        fill(profile, np.nan)
        return
    newest = (history.age[i] - 1) % kept
    lag = length
    for h in range(len(profile)):
        total, place = np.float32(0.0), newest - lag - further
        for _ in range(count):
            place = place + kept if place < 0 else place
            total += history.ring[i, place]
            place -= season
        profile[h] = total / np.float32(count)
        lag = lag - 1 if lag > 0 else length - 1


@compiled
def _say_fading(value: Real, profile: Floats, fading: Real, moves: Floats) -> None:
    """Write the moves (H,) by the way back to the profile (1 + H,)."""
    off, left = value - profile[0], np.float32(1.0)
    for h in range(len(moves)):
        left *= fading
        moves[h] = profile[1 + h] + off * left - value


@compiled
def _say_double(
    history: History,
    i: int,
    value: Real,
    day: int,
    profile: Floats,
    before: Floats,
    again: Real,
    fading: Real,
    moves: Floats,
) -> None:
    """Write the moves (H,) by the profile of the longer season (1 + H,) and by what it was a shorter one before."""
    rest = value - profile[0] - again * (back(history, i, day) - before[0])
    for h in range(len(moves)):
        rest *= fading
        then = back(history, i, lag_of(h + 1, day)) - before[1 + h]
        moves[h] = profile[1 + h] + again * then + rest - value

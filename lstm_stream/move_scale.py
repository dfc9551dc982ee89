"""How far each series moves in 1..H steps.

Letters: S series, H horizons.
"""

import math
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Floats, Real, ratio
from lstm_stream.compiled import compiled, entry

SPAN = 1000
"""Memory, in moves."""
BORROWED = 24
"""Moves that the usual move scale of grown series is worth to a young one."""
OUTLIER = 10.0
"""In spreads: a move further than this counts as this."""
SMALLEST = 1e-3
"""In spreads."""


class Moves(NamedTuple):
    """The last H origins of each series, and how far values lay from theirs."""

    value: Floats  # (S, H) the ring's value at the origin t, at t % H
    spread: Floats  # (S, H) of the series at the origin, in the ring's unit; 0: nothing is measured from there
    usual: Floats  # (S, H) mean absolute move over h steps, in spreads

    @classmethod
    def empty(cls, horizon: int) -> "Moves":
        """Of no series."""
        single = np.zeros((0, horizon), np.float32)
        return cls(single, single, single)


@compiled
def measure_moves(moves: Moves, i: int, t: int, value: Real, moved: Floats, unit: Floats) -> None:
    """Write how far the value of step t lies from each of the last H origins (H,), and the spreads of then (H,).

    Moves are in these spreads, and NaN where there was no origin.
    """
    horizon = len(moved)
    for h in range(horizon):
        slot = (t - h - 1) % horizon
        spread = moves.spread[i, slot]
        if t > h and spread > 0:
            unit[h] = spread
            moved[h] = ratio(value - moves.value[i, slot], spread)
        else:
            unit[h] = 1.0
            moved[h] = np.nan


@compiled
def learn_moves(moves: Moves, i: int, t: int, moved: Floats, unit: Floats, spread: Real) -> None:
    """Learn from moves (H,) in units (H,) how far values move; those that are NaN teach nothing.

    The step t is counted from where the series began to move.
    """
    for h in range(len(moved)):
        if not math.isnan(moved[h]):
            seen = max(t - h, 1)  # moves over h + 1 steps so far
            weight = np.float32(1.0 / min(seen, SPAN))
            far = min(abs(ratio(moved[h] * unit[h], spread)), np.float32(OUTLIER))
            moves.usual[i, h] += weight * (far - moves.usual[i, h])


@entry
def write_move_scale(moves: Moves, i: int, age: int, spread: Real, prior: Floats, scale: Floats) -> None:
    """Write the move scale (H,): how far values move in up to h steps, never zero and never falling.

    That it does not fall where a season comes round keeps the steps between in proportion. Until a series knows its
    own, it is taken to be that of the grown series (H,), if any.
    """
    furthest = np.float32(0.0)
    for h in range(len(scale)):
        seen = max(age - h - 1, 0)
        borrowed = BORROWED if prior[h] > 0 else 0
        known = np.float32((seen * moves.usual[i, h] + borrowed * prior[h]) / max(seen + borrowed, 1))
        in_spreads = max(known, np.float32(SMALLEST)) if known > 0 else np.float32(1.0)
        furthest = max(furthest, in_spreads)
        scale[h] = furthest * spread


@compiled
def open_moves(moves: Moves, i: int, t: int, value: Real, spread: Real) -> None:
    """Let step t be an origin."""
    slot = t % moves.value.shape[1]
    moves.value[i, slot], moves.spread[i, slot] = value, spread


@compiled
def disown_moves(moves: Moves, i: int, since: int, length: int) -> None:
    """Let nothing be measured from the origins of so many steps but the last."""
    horizon = moves.value.shape[1]
    for t in range(max(since, since + length - 1 - horizon), since + length - 1):
        moves.spread[i, t % horizon] = 0.0

"""Windows of the past to learn from again.

Letters: C windows kept, B windows drawn, W steps of a window, F features, U units, H horizons.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Flag, Flags, Floats, Whole, Wholes, copy, from_byte, ratios, widened
from lstm_stream.columns import Array
from lstm_stream.compiled import compiled, entry
from lstm_stream.history import History
from lstm_stream.network import Windows
from lstm_stream.trace import SNAPSHOT_EVERY, Trace

LARGEST_TARGET = 20.0
"""In move scales; a jump further than this is nothing to learn from."""
FIRST_MIX, SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SLOT_SALT = np.uint64(0x9E3779B97F4A7C15)


class Stretches(NamedTuple):
    """Windows of several series as they were lived through; the first axis is the window."""

    features: Floats  # (B, W, F)
    hidden: Floats  # (B, U) carried into the first step
    cell: Floats  # (B, U)
    values: Floats  # (B, W + H) the ring's values from the first step on
    observed: Flags  # (B, W + H)
    scale: Floats  # (B, H) move scale, in the ring's unit

    @classmethod
    def empty(cls, count: int, window: int, horizon: int, features: int, units: int) -> "Stretches":
        """Workspace for so many."""
        return cls(
            features=np.zeros((count, window, features), np.float32),
            hidden=np.zeros((count, units), np.float32),
            cell=np.zeros((count, units), np.float32),
            values=np.zeros((count, window + horizon), np.float32),
            observed=np.zeros((count, window + horizon), np.bool_),
            scale=np.zeros((count, horizon), np.float32),
        )

    def windows(self) -> Windows:
        """The windows with their targets: how far each horizon's value lies from its origin's, in move scales."""
        steps, horizon = self.features.shape[1], self.scale.shape[1]
        ahead = np.arange(steps)[:, None] + np.arange(1, horizon + 1)  # (W, H)
        moved = ratios(self.values[:, ahead] - self.values[:, :steps, None], self.scale[:, None, :])
        known = self.observed[:, ahead] & self.observed[:, :steps, None] & (np.abs(moved) < LARGEST_TARGET)
        return Windows(self.features, self.hidden, self.cell, np.where(known, moved, np.float32(0.0)), known)


@entry
def copy_stretch(
    stretches: Stretches, slot: int, history: History, trace: Trace, i: int, start: int, scale: Floats
) -> None:
    """Copy the window from a step on, where a snapshot was kept; what has not come yet counts as not observed."""
    window, features, units = stretches.features.shape[1], trace.features.shape[2], trace.hidden.shape[1]
    kept, snapshot = trace.features.shape[1], start // SNAPSHOT_EVERY % trace.hidden_before.shape[1]
    for w in range(window):
        come, place = start + w < history.age[i], (start + w) % kept
        for k in range(features):
            stretches.features[slot, w, k] = widened(trace.features[i, place, k]) if come else np.float32(0.0)
    for u in range(units):
        stretches.hidden[slot, u] = from_byte(trace.hidden_before[i, snapshot, u])
        stretches.cell[slot, u] = widened(trace.cell_before[i, snapshot, u])
    for w in range(stretches.values.shape[1]):
        t = start + w
        stretches.values[slot, w] = history.ring[i, t % history.ring.shape[1]]
        stretches.observed[slot, w] = t < history.age[i] and trace.observed[i, t % kept]
    copy(scale, stretches.scale[slot])


class Replay(NamedTuple):
    """A reservoir of windows, each stretch of the whole past as likely to be there as another.

    Whether a window is taken, and into which slot, is drawn by a hash of its series and step; of two that fall
    into one slot the later in the log stays.
    """

    kept: Stretches  # (C, ...)
    position: Wholes  # (C,) in the log, of the window's last step; -1: empty slot

    @classmethod
    def empty(cls, capacity: int, window: int, horizon: int, features: int, units: int) -> "Replay":
        """No windows."""
        return cls(Stretches.empty(capacity, window, horizon, features, units), np.full(capacity, -1, np.int64))

    def draw(self, count: int, generator: np.random.Generator) -> Stretches:
        """So many of the windows, or fewer where fewer are there."""
        filled = np.flatnonzero(self.position >= 0)
        drawn = generator.choice(filled, min(count, len(filled)), replace=False)
        return Stretches(*(array[drawn] for array in self.kept))

    def dump(self) -> dict[str, Array]:
        """The filled slots; a copy."""
        filled = np.flatnonzero(self.position >= 0)
        arrays: dict[str, Array] = {name: array[filled] for name, array in self.kept._asdict().items()}
        return arrays | {"slot": filled, "position": self.position[filled]}

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the slots of a `dump`."""
        slot = arrays["slot"]
        self.position[slot] = arrays["position"]
        for name, array in self.kept._asdict().items():
            array[slot] = arrays[name]


@compiled
def offer(
    replay: Replay, history: History, trace: Trace, i: int, identity: int, position: int, offered: int, scale: Floats
) -> Flag:
    """Take the window whose last target came with the newest step, if there is one and it is drawn.

    Parameters
    ----------
    identity
        A number for the series that depends on its name alone.
    position
        Of the newest step in the log.
    offered
        Windows that were offered before the current learning interval began.

    Returns
    -------
    Whether there was one.
    """
    capacity = len(replay.position)
    start = history.age[i] - replay.kept.values.shape[1]
    if start < 0 or start % SNAPSHOT_EVERY != 0:
        return False
    number = np.uint64(identity) + np.uint64(start)
    if hashed(number) % np.uint64(max(offered, capacity)) < np.uint64(capacity):
        slot: Whole = np.int64(hashed(number ^ SLOT_SALT) % np.uint64(capacity))
        replay.position[slot] = position
        copy_stretch(replay.kept, slot, history, trace, i, start, scale)
    return True


@compiled
def hashed(number: Whole) -> Whole:
    """A well-mixed hash of a number (Steele, Lea and Flood 2014, SplitMix64)."""
    mixed = (number ^ (number >> np.uint64(30))) * FIRST_MIX
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND_MIX
    return mixed ^ (mixed >> np.uint64(31))

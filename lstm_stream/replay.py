"""Windows of the past to learn from again.

Letters: C windows kept, B windows drawn, W steps of a window, F inputs, U units, H horizons.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Array, Columns
from lstm_stream.learner import Windows
from lstm_stream.network import Floats, ratio

LARGEST_TARGET = 20.0
"""In reaches; a jump further than this is nothing to learn from."""


@dataclass
class Stretch(Columns):
    """Windows of several series as they were lived through; the first axis is the window."""

    inputs: Floats  # (B, W, F)
    hidden: Floats  # (B, U) carried into the first step
    cell: Floats  # (B, U)
    values: Floats  # (B, W + H) the ring's values from the first step on
    observed: npt.NDArray[np.bool_]  # (B, W + H)
    reach: Floats  # (B, H) what targets are measured in

    @classmethod
    def empty(cls, window: int, horizon: int, inputs: int, units: int) -> "Stretch":
        """No windows."""
        return cls(
            inputs=np.zeros((0, window, inputs), np.float32),
            hidden=np.zeros((0, units), np.float32),
            cell=np.zeros((0, units), np.float32),
            values=np.zeros((0, window + horizon), np.float32),
            observed=np.zeros((0, window + horizon), np.bool_),
            reach=np.zeros((0, horizon), np.float32),
        )

    def windows(self) -> Windows:
        """The windows with their targets: how far each horizon's value lies from its origin's, in reaches."""
        steps, horizon = self.inputs.shape[1], self.reach.shape[1]
        ahead = np.arange(steps)[:, None] + np.arange(1, horizon + 1)  # (W, H)
        moved = ratio(self.values[:, ahead] - self.values[:, :steps, None], self.reach[:, None, :])
        known = self.observed[:, ahead] & self.observed[:, :steps, None] & (np.abs(moved) < LARGEST_TARGET)
        return Windows(self.inputs, self.hidden, self.cell, np.where(known, moved, np.float32(0.0)), known)

    def take(self, indices: npt.NDArray[np.int64]) -> "Stretch":
        """Some of the windows, copied."""
        return Stretch(**{name: array[indices] for name, array in self.arrays().items()})

    @staticmethod
    def joined(first: "Stretch", second: "Stretch") -> "Stretch":
        """The windows of both."""
        others = second.arrays()
        return Stretch(**{name: np.concatenate([a, others[name]]) for name, a in first.arrays().items()})


class Replay:
    """A reservoir of windows, each stretch of the whole past as likely to be there as another.

    Whether a window is taken, and into which slot, is drawn by a hash of its series and step; of two that fall
    into one slot the later in the log stays. So the reservoir is the same whatever order a batch is worked in.
    """

    def __init__(self, capacity: int, none: Stretch) -> None:
        self.kept = none.take(np.zeros(0, np.int64))
        self.kept.grow(capacity)
        self.position = np.full(capacity, -1, np.int64)  # in the log, of the window's last step; -1: empty slot

    def offer(
        self,
        stretch: Stretch,
        identity: npt.NDArray[np.uint64],
        position: npt.NDArray[np.int64],
        seen: int,
    ) -> None:
        """Take some of these windows; `seen` were offered before the current learning interval began."""
        capacity = len(self.position)
        wanted = _mixed(identity) % np.uint64(max(seen, capacity)) < np.uint64(capacity)
        slot = (_mixed(identity ^ np.uint64(0x9E3779B97F4A7C15)) % np.uint64(capacity)).astype(np.int64)
        for index in np.flatnonzero(wanted & (position > self.position[slot])).tolist():
            self._put(int(slot[index]), stretch, index, int(position[index]))

    def _put(self, slot: int, stretch: Stretch, index: int, position: int) -> None:
        if position < self.position[slot]:
            return
        self.position[slot] = position
        new = stretch.arrays()
        for name, array in self.kept.arrays().items():
            array[slot] = new[name][index]

    def draw(self, count: int, generator: np.random.Generator) -> Stretch:
        """So many of the windows, or fewer where fewer are there."""
        filled = np.flatnonzero(self.position >= 0)
        return self.kept.take(generator.choice(filled, min(count, len(filled)), replace=False))

    def dump(self) -> dict[str, Array]:
        """The filled slots; a copy."""
        filled = np.flatnonzero(self.position >= 0)
        return self.kept.take(filled).arrays() | {"slot": filled, "position": self.position[filled]}

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the slots of a `dump`."""
        slot = arrays["slot"]
        self.position[slot] = arrays["position"]
        for name, array in self.kept.arrays().items():
            array[slot] = arrays[name]


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A well-mixed hash of each number (Steele, Lea and Flood 2014, SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

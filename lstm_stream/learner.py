"""What trains the network: truncated back-propagation through time, from carried state.

Letters: B windows, W steps of a window, F inputs, U units, H horizons.
"""

import math
from copy import deepcopy
from typing import NamedTuple

import torch
from torch.nn.functional import huber_loss
from torch.nn.utils import clip_grad_norm_

from lstm_stream.arithmetic import Floats
from lstm_stream.columns import over, under
from lstm_stream.network import Network, Windows

LARGEST_GRADIENT = 1.0
AVERAGE_DECAY = 0.97
ALARMED = 1.0
"""Part by which a full alarm raises the learning rate."""

YOUNG_INTERVAL, OLD_INTERVAL = 16, 100
"""Steps from one learning step to the next in a shard of few series. A learning step takes some 2 to 3 ms of CPU."""
LARGEST_YOUNG_INTERVAL, LARGEST_OLD_INTERVAL = 768, 1024
"""The same in a shard of many."""
SLOWING = 250
"""The interval grows to this part of the steps so far.

With a quarter of the intervals, and smaller learning steps, squared errors are .5 % smaller at four times the CPU.
"""


def interval(series: int, steps: int) -> int:
    """Steps from one learning step to the next, of so many series after so many steps: the more, the longer."""
    young = min(max(series, YOUNG_INTERVAL), LARGEST_YOUNG_INTERVAL)
    old = min(max(series, OLD_INTERVAL), LARGEST_OLD_INTERVAL)
    return min(max(steps // SLOWING, young), old)


class Lesson(NamedTuple):
    """What a learning step did."""

    learnt: bool
    loss: float
    gradient_norm: float


class Learner:
    """Adam on the Huber loss, and the running average of the weights that forecasts are made with.

    The gradient is clipped by its global norm (Pascanu, Mikolov and Bengio 2013). A loss or gradient that is not
    finite leaves weights and optimiser as they were. The average starts short, so that it never lags behind a
    young network (Polyak and Juditsky 1992).

    Parameters
    ----------
    network
        Trained in place.
    learning_rate
        Adam's.
    """

    def __init__(self, network: Network, learning_rate: float) -> None:
        torch.set_num_threads(1)  # two threads on windows this small are many times slower
        self.network = network
        self.average = deepcopy(network)
        self.weights = self.average.cell()
        """Of the average, for the compiled cell."""
        self._rate = learning_rate
        self._adam = torch.optim.Adam(network.parameters(), learning_rate, fused=True)
        self.updates = 0
        self.skipped = 0

    def learn(self, windows: Windows, alarm: float = 0.0) -> Lesson:
        """Take one learning step on a handful of windows.

        Parameters
        ----------
        alarm
            0 to 1: how much has changed of late; the more, the larger the step.
        """
        self._adam.param_groups[0]["lr"] = self._rate * (1.0 + ALARMED * alarm)
        self._adam.zero_grad()
        loss = self._loss(windows)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT))
        value = float(loss.detach())
        lesson = Lesson(math.isfinite(norm) and math.isfinite(value), value, norm)
        if lesson.learnt:
            self._adam.step()
            self._follow()
        else:
            self.skipped += 1
        return lesson

    def _loss(self, windows: Windows) -> torch.Tensor:
        x = torch.from_numpy(windows.inputs).transpose(0, 1)  # (W, B, F)
        outputs = self.network.unroll(x, torch.from_numpy(windows.hidden), torch.from_numpy(windows.cell))
        targets = torch.from_numpy(windows.targets).transpose(0, 1)  # (W, B, H)
        known = torch.from_numpy(windows.known).transpose(0, 1).float()
        errors = huber_loss(outputs, targets, reduction="none") * known
        return errors.sum() / known.sum().clamp(min=1.0)

    def _follow(self) -> None:
        self.updates += 1
        weight = 1.0 - min(AVERAGE_DECAY, (1.0 + self.updates) / (10.0 + self.updates))
        with torch.no_grad():
            for mean, weights in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(weights, weight)
        self.weights = self.average.cell()

    def dump(self) -> dict[str, Floats]:
        """Weights, their average and Adam's moments by name; a copy."""
        arrays = over("network", self.network.dump()) | over("average", self.average.dump())
        for index, moments in self._adam.state_dict()["state"].items():
            arrays |= {f"adam.{index}.{name}": moment.numpy().copy() for name, moment in moments.items()}
        return arrays

    def load(self, arrays: dict[str, Floats], updates: int, skipped: int) -> None:
        """Take the state of a `dump` and the two counts that belong to it."""
        self.network.load(under("network", arrays))
        self.average.load(under("average", arrays))
        self.weights = self.average.cell()
        self._load_moments(under("adam", arrays))
        self.updates, self.skipped = updates, skipped

    def _load_moments(self, moments: dict[str, Floats]) -> None:
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, array in moments.items():
            index, _, moment = name.partition(".")
            state.setdefault(int(index), {})[moment] = torch.from_numpy(array.copy())
        self._adam.load_state_dict(self._adam.state_dict() | {"state": state})

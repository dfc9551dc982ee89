"""Training a network on examples, from end to end of each series with its state carried along.

Shapes: S series, B series of a batch, W steps of a chunk, F features, U units, H horizons.
"""

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import huber_loss
from torch.nn.utils import clip_grad_norm_

from lstm_stream.arithmetic import Floats
from lstm_stream.features import MARKS, OF_THE_SERIES
from lstm_stream.learner import LARGEST_GRADIENT
from lstm_stream.network import Network
from lstm_stream.pretrained import HORIZON, INPUTS, LARGEST_LOG, OUTPUTS
from lstm_stream.pretraining.examples import STEPS, Examples

BATCH = 256
"""B."""
CHUNK = 128
"""W: how far the gradient reaches back."""
SIZE_WEIGHT = 0.2
"""Of the loss of the told sizes, beside that of the moves."""
WARM_UP = 100
"""Training steps in which the learning rate rises."""
LAST_RATE = 0.01
"""Part of the learning rate that is left at the end of the cosine."""
CAPS = {HORIZON: 0.82, 12: 0.08, 6: 0.05, 3: 0.03, 1: 0.02}
"""How often a series is shown as in a bank of so many horizons, which lacks the marked ones behind."""
ROWS = ((3, 24), (10, 100), (100, 500), (500, 1000))
"""Steps of held-back series that losses are told of."""


class Progress(NamedTuple):
    """After so many training steps."""

    step: int
    loss: float  # mean of the last ones


class HeldBackLosses(NamedTuple):
    """Mean Huber loss on held-back series, in `ROWS` of their steps."""

    last_value: list[float]
    plain: list[float]
    network: list[float]


class Training:
    """Trains a network by Adam, its learning rate falling by a cosine.

    The loss is Huber's of the moves, and of the sizes of their errors the negative log-likelihood of Laplace's
    distribution. The second teaches the sizes, not the moves.

    Parameters
    ----------
    units
        U.
    steps
        Training steps in all.
    rate
        The largest learning rate.
    seed
        Of the first weights and of the order of the series.
    device
        Where torch does it: `cpu`, `cuda`.
    """

    def __init__(self, units: int, steps: int, rate: float = 3e-3, seed: int = 0, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self.network = Network(INPUTS, units, OUTPUTS * HORIZON, seed).to(self._device)
        self.taken = 0
        self._steps, self._rate, self._seed = steps, rate, seed
        self._adam = torch.optim.Adam(self.network.parameters(), rate, fused=True)

    def run(self, examples: Examples, every: int = 250) -> Iterator[Progress]:
        """Train until all steps are taken; a yield every so many of them."""
        losses: list[float] = []
        while self.taken < self._steps:
            for rows in self._batches(len(examples.features)):
                for loss in self._along(examples, rows):
                    losses.append(loss)
                    if self.taken % every == 0:
                        yield Progress(self.taken, float(np.mean(losses[-every:])))

    def _batches(self, count: int) -> Iterator[npt.NDArray[np.int64]]:
        order = np.random.default_rng([self._seed, self.taken]).permutation(count)
        size = min(BATCH, count)
        for first in range(0, count - size + 1, size):
            yield np.sort(order[first : first + size])

    def _along(self, examples: Examples, rows: npt.NDArray[np.int64]) -> Iterator[float]:
        """Go along a batch's series chunk by chunk; the state is carried, the gradient is not."""
        hidden = cell = torch.zeros(len(rows), self.network.units, device=self._device)
        draw = np.random.default_rng([self._seed, 1, self.taken])
        caps = draw.choice(list(CAPS), len(rows), p=list(CAPS.values()))
        for first in range(0, STEPS - HORIZON, CHUNK):
            if self.taken >= self._steps:
                return
            chunk = slice(first, first + CHUNK)
            x = self._on_device(_capped(examples.features[rows, chunk].astype(np.float32), caps))
            moves = self._on_device(examples.moves[rows, chunk].astype(np.float32))
            loss, hidden, cell = self._learn(x, moves, hidden, cell)
            yield loss

    def _on_device(self, by_series: Floats) -> torch.Tensor:
        """Of (B, W, ...) as (W, B, ...)."""
        return torch.from_numpy(by_series).to(self._device).transpose(0, 1)

    def _learn(
        self, x: torch.Tensor, moves: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
    ) -> tuple[float, torch.Tensor, torch.Tensor]:
        for group in self._adam.param_groups:
            group["lr"] = self._rate * _course(self.taken, self._steps)
        shown, (last_hidden, last_cell) = self.network.lstm(x, (hidden[None], cell[None]))
        loss, of_sizes = _losses(self.network.head(torch.cat([shown, x], 2)), moves)
        self._adam.zero_grad()
        (loss + SIZE_WEIGHT * of_sizes).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self._adam.step()
        self.taken += 1
        return float(loss.detach()), last_hidden[0].detach(), last_cell[0].detach()

    def dump(self) -> dict[str, Floats]:
        """Weights, moments and count, to go on from; a copy."""
        arrays = {f"network.{name}": array for name, array in self.network.dump().items()}
        for index, moments in self._adam.state_dict()["state"].items():
            arrays |= {f"adam.{index}.{name}": moment.cpu().numpy().copy() for name, moment in moments.items()}
        return arrays | {"taken": np.asarray([self.taken], np.float32)}

    def load(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from a `dump`."""
        self.network.load({name[8:]: array for name, array in arrays.items() if name.startswith("network.")})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, array in arrays.items():
            if name.startswith("adam."):
                _, index, moment = name.split(".")
                state.setdefault(int(index), {})[moment] = torch.from_numpy(array.copy())
        self._adam.load_state_dict(deepcopy(self._adam.state_dict()) | {"state": state})
        self.taken = int(arrays["taken"][0])


def held_back_losses(network: Network, examples: Examples) -> HeldBackLosses:
    """Losses of a network on series that it was not trained on."""
    with torch.no_grad():
        x = torch.from_numpy(examples.features.astype(np.float32)).transpose(0, 1)
        nothing = torch.zeros(x.shape[1], network.units)
        said = network.cpu().unroll(x, nothing, nothing)[..., :HORIZON].transpose(0, 1).numpy()
    moves, plain = examples.moves.astype(np.float32), examples.plain.astype(np.float32)
    return HeldBackLosses(*(_by_rows(what - moves) for what in (np.zeros_like(plain), plain, said)))


def _losses(said: torch.Tensor, moves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean losses of the moves that are known, and of the told sizes of the errors."""
    known = ~torch.isnan(moves)
    count, moves = known.sum().clamp(min=1), torch.nan_to_num(moves)
    told, logarithm = said[..., :HORIZON], said[..., HORIZON:].clamp(-LARGEST_LOG, LARGEST_LOG)
    off = (moves - told).detach().abs()
    of_moves = huber_loss(told, moves, reduction="none") * known
    of_sizes = (off * torch.exp(-logarithm) + logarithm) * known
    return of_moves.sum() / count, of_sizes.sum() / count


def _by_rows(errors: Floats) -> list[float]:
    size = np.abs(errors)
    loss = np.where(size < 1.0, 0.5 * size**2, size - 0.5)
    return [float(np.nanmean(loss[:, first:end])) for first, end in ROWS]


def _capped(features: Floats, caps: npt.NDArray[np.int64]) -> Floats:
    """Without the moves in the marked horizons that a bank of a shorter horizon does not tell."""
    for place, mark in enumerate(MARKS):
        features[caps < mark, :, OF_THE_SERIES + place] = 0.0
        features[caps < mark, :, OF_THE_SERIES + len(MARKS) + place] = 0.0
    return features


def _course(taken: int, steps: int) -> float:
    """Part of the learning rate: it rises, then falls by a cosine."""
    rise = min(1.0, (taken + 1) / WARM_UP)
    return rise * (0.5 * (1.0 + math.cos(math.pi * taken / steps)) + LAST_RATE)

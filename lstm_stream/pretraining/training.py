"""Training a network on examples, from end to end of each stretch with its state carried along.

Shapes: S stretches, B stretches of a batch, W steps of a chunk, F features, U units, H horizons.
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
from lstm_stream.weights import PretrainedWeights

BATCH = 256
"""B."""
RATE = 3e-3
"""The largest learning rate."""
CHUNK = 128
"""W: how far the gradient reaches back."""
STARTS = range(0, STEPS - HORIZON, CHUNK)
"""Of the chunks of a stretch; what follows on its last steps is not known."""
AT_ONCE = 64
"""Stretches that losses are computed of at a time."""
EARLY, EARLY_ROWS = 2.0, 64.0
"""By how much more the first row counts than late ones, and rows after which that is half as much: most series that
are new are judged by their first days."""
FINEST, COARSEST = 0.05, 1.5
"""In move scales: errors count by how large they are beside those of the plain experts, but no finer or coarser."""
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

    The loss is Huber's of the moves, in mean absolute errors of the experts that need no network: a series that these
    foresee well teaches as much as one that nobody does. And of the sizes of the errors the negative log-likelihood of
    Laplace's distribution, which teaches the sizes, not the moves. What is trained follows from the parameters and the
    examples alone; a training that goes on from a `dump` ends with the same weights.

    Parameters
    ----------
    units
        U.
    steps
        Training steps in all.
    rate
        The largest learning rate.
    seed
        Of the first weights and of the order of the stretches.
    device
        Where torch does it: `cpu`, `cuda`.
    batch
        B, at most.
    start
        Weights to start from, of as many units; None: random ones.
    """

    def __init__(
        self,
        units: int,
        steps: int,
        rate: float = RATE,
        seed: int = 0,
        device: str = "cpu",
        batch: int = BATCH,
        start: PretrainedWeights | None = None,
    ) -> None:
        self._device = torch.device(device)
        network = Network(INPUTS, units, OUTPUTS * HORIZON, seed)
        if start is not None:
            network.load(start.singles())
        self.network = network.to(self._device)
        self.taken = 0
        self._steps, self._rate, self._seed, self._batch = steps, rate, seed, batch
        self._adam = torch.optim.Adam(self.network.parameters(), rate, fused=True)

    def run(self, examples: Examples, every: int = 250) -> Iterator[Progress]:
        """Train until all steps are taken; a yield about every so many of them, where it can be dumped, and at the end.

        The state can be dumped between two sweeps along the stretches of a batch.
        """
        losses: list[float] = []
        told = self.taken
        while self.taken < self._steps:
            losses += self._along(examples, self._rows(len(examples.features)))
            if self.taken - told >= every or self.taken >= self._steps:
                told = self.taken
                yield Progress(self.taken, float(np.mean(losses)))
                losses.clear()

    def _rows(self, count: int) -> npt.NDArray[np.int64]:
        """Which stretches are next: each once, in an order of its own, before any comes again."""
        size = min(self._batch, count)
        batches = count // size
        round_, place = divmod(self.taken // len(STARTS), batches)
        order = np.random.default_rng([self._seed, round_ * batches * len(STARTS)]).permutation(count)
        return np.sort(order[place * size : (place + 1) * size])

    def _along(self, examples: Examples, rows: npt.NDArray[np.int64]) -> list[float]:
        """Go along a batch's stretches chunk by chunk; the state is carried, the gradient is not."""
        hidden = cell = torch.zeros(len(rows), self.network.units, device=self._device)
        draw = np.random.default_rng([self._seed, 1, self.taken])
        caps = draw.choice(list(CAPS), len(rows), p=list(CAPS.values()))
        losses = []
        for first in STARTS[: self._steps - self.taken]:
            chunk = slice(first, first + CHUNK)
            x = self._on_device(_capped(examples.features[rows, chunk].astype(np.float32), caps))
            moves, plain = (
                self._on_device(of[rows, chunk].astype(np.float32)) for of in (examples.moves, examples.plain)
            )
            loss, hidden, cell = self._learn(x, moves, plain, first, hidden, cell)
            losses.append(loss)
        return losses

    def _on_device(self, by_series: Floats) -> torch.Tensor:
        """Of (B, W, ...) as (W, B, ...)."""
        return torch.from_numpy(by_series).to(self._device).transpose(0, 1)

    def _learn(
        self,
        x: torch.Tensor,
        moves: torch.Tensor,
        plain: torch.Tensor,
        first: int,
        hidden: torch.Tensor,
        cell: torch.Tensor,
    ) -> tuple[float, torch.Tensor, torch.Tensor]:
        for group in self._adam.param_groups:
            group["lr"] = self._rate * _course(self.taken, self._steps)
        shown, (last_hidden, last_cell) = self.network.lstm(x, (hidden[None], cell[None]))
        worth = _worth(first, len(x)).to(self._device)[:, None, None]
        loss, of_sizes = _losses(self.network.head(torch.cat([shown, x], 2)), moves, plain, worth)
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
    """Losses of a network on stretches that it was not trained on."""
    said = np.concatenate([_moves(outputs, plain).numpy() for outputs, _, plain in _told(network, examples)])
    moves, plain = examples.moves.astype(np.float32), examples.plain.astype(np.float32)
    return HeldBackLosses(*(_by_rows(what - moves) for what in (np.zeros_like(plain), plain, said)))


def loss_on(network: Network, examples: Examples) -> float:
    """What training makes small, on stretches that it does not see."""
    total, count = 0.0, 0
    for stretches in _told(network, examples):
        for first in range(0, stretches[0].shape[1], CHUNK):
            told, moves, plain = (of[:, first : first + CHUNK].transpose(0, 1) for of in stretches)
            of_moves, of_sizes = _losses(told, moves, plain, _worth(first, len(moves))[:, None, None])
            known = int((~torch.isnan(moves)).sum())
            total, count = total + known * float(of_moves + SIZE_WEIGHT * of_sizes), count + known
    return total / max(count, 1)


def _told(network: Network, examples: Examples) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Outputs (B, N, 3 H) along some stretches after others; the moves that came, and the plain ones, (B, N, H)."""
    device = network.head.weight.device
    for first in range(0, len(examples.features), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        x = torch.from_numpy(examples.features[some].astype(np.float32)).to(device).transpose(0, 1)
        nothing = torch.zeros(x.shape[1], network.units, device=device)
        with torch.no_grad():
            told = network.unroll(x, nothing, nothing).transpose(0, 1).cpu()
        moves, plain = (torch.from_numpy(of[some].astype(np.float32)) for of in (examples.moves, examples.plain))
        yield told, moves, plain


def _moves(outputs: torch.Tensor, plain: torch.Tensor) -> torch.Tensor:
    """How far values will move (..., H): the network's own move, and what it lets through of the plain one."""
    return outputs[..., :HORIZON] + torch.sigmoid(outputs[..., 2 * HORIZON :]) * plain


def _worth(first: int, count: int) -> torch.Tensor:
    """How much so many rows (N,) from the first one on count."""
    return 1.0 + EARLY * EARLY_ROWS / (EARLY_ROWS + first + torch.arange(count))


def _losses(
    outputs: torch.Tensor, moves: torch.Tensor, plain: torch.Tensor, worth: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean losses of the moves that are known, and of the told sizes of the errors, times what a row is worth.

    Shapes: steps first. Of the moves, in mean absolute errors of the plain ones in these steps.
    """
    known = ~torch.isnan(moves)
    count, moves = known.sum().clamp(min=1), torch.nan_to_num(moves)
    told, logarithm = _moves(outputs, plain), outputs[..., HORIZON : 2 * HORIZON].clamp(-LARGEST_LOG, LARGEST_LOG)
    unit = ((plain - moves).abs() * known).sum(0) / known.sum(0).clamp(min=1)
    unit = unit.clamp(FINEST, COARSEST)
    off = (moves - told).detach().abs()
    of_moves = huber_loss(told / unit, moves / unit, reduction="none") * known * worth
    of_sizes = (off * torch.exp(-logarithm) + logarithm) * known * worth
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


def is_device(name: str) -> bool:
    """Whether torch can compute there."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError):
        return False
    return True

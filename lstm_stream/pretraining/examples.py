"""What a network reads and is to say along generated series: features by the compiled step, and how far values moved.

Shapes: S series, N steps, F features, H horizons.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.bank import Bank
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.pretrained import HORIZON, INPUTS, places
from lstm_stream.pretraining.generator import Generated, generate

Halves = npt.NDArray[np.float16]

STEPS = 1024
"""N of each series."""
LARGEST_TARGET = 20.0
"""In move scales; as in the replay of a bank."""
TOGETHER = 16
"""Series of a bank with others; as many banks have one alone, whose pooled regressions know nothing else."""
RULES = Hyperparameters(horizon=HORIZON, hidden_size=1, pretrained=False, effort=0.0)
"""Of a bank whose features do not depend on a network."""


class Examples(NamedTuple):
    """Series as a network meets them."""

    features: Halves  # (S, N, F)
    moves: Halves  # (S, N, H) in move scales; NaN: not known, or too far
    plain: Halves  # (S, N, H) what the combination says without a network


def make_examples(first: int, count: int, seed: int) -> Examples:
    """Examples of so many generated series: half of them alone, half of them in the company of others."""
    numbers, parts = list(range(first, first + count)), list[Examples]()
    while numbers:
        alone = len(parts) % (TOGETHER + 1) != TOGETHER
        several, numbers = numbers[: 1 if alone else TOGETHER], numbers[1 if alone else TOGETHER :]
        parts.append(_lived([generate(STEPS, np.random.default_rng([seed, number])) for number in several]))
    return Examples(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _lived(series: Sequence[Generated]) -> Examples:
    """Show series to a fresh bank, all of them at each step."""
    bank, count = Bank(RULES), len(series)
    ours, theirs = places(bank.columns)
    names, event = [str(number) for number in range(count)], np.zeros(count, np.int64)
    values = np.stack([one.values for one in series])
    start, step = np.asarray([one.start for one in series]), np.asarray([one.step for one in series])
    found = Examples(
        np.zeros((count, STEPS, INPUTS), np.float16),
        np.full((count, STEPS, HORIZON), np.nan, np.float16),
        np.zeros((count, STEPS, HORIZON), np.float16),
    )
    for t in range(STEPS):
        times = np.round((start + t * step) * 1e6).astype(np.int64)
        forecasts = bank.observe(names, times, values[:, t], events=event)
        of, features, scale = bank.last_step(count)
        found.features[of[:, None], t, theirs] = features[:, ours]
        scale = np.maximum(scale, np.finfo(np.float32).tiny)
        ahead = min(HORIZON, STEPS - 1 - t)
        moved = (values[of, t + 1 : t + 1 + ahead] - values[of, t, None]) / scale[:, :ahead]
        found.moves[of, t, :ahead] = np.where(np.abs(moved) < LARGEST_TARGET, moved, np.nan)
        said = (forecasts.mean[of] - values[of, t, None]) / scale
        found.plain[of, t] = np.nan_to_num(np.clip(said, -LARGEST_TARGET, LARGEST_TARGET))
    return found

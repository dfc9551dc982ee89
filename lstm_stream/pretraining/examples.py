"""What a network reads and is to say along series: features by the compiled step, and how far values moved.

Series come in stretches of at most `STEPS` values, each of which a bank sees that has seen nothing before.

Shapes: S stretches, N steps, F features, H horizons.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.bank import Bank
from lstm_stream.grid import Outcome
from lstm_stream.hyperparameters import ANY_GAP, Hyperparameters
from lstm_stream.pretrained import HORIZON, INPUTS, places
from lstm_stream.pretraining.generator import generate

Halves = npt.NDArray[np.float16]

STEPS = 1024
"""N of each series."""
LARGEST_TARGET = 20.0
"""In move scales; as in the replay of a bank."""
TOGETHER = 16
"""Series of a bank with others; as many banks have one alone, whose pooled regressions know nothing else."""
RULES = Hyperparameters(horizon=HORIZON, hidden_size=1, pretrained=False, effort=0.0)
"""Of a bank whose features do not depend on a network."""
EACH_ROW = replace(RULES, step="event", max_gap=ANY_GAP)
"""The same, where each value is the next step, whatever its time."""


class Stretch(NamedTuple):
    """Some values of a series in a row, at most `STEPS`."""

    times: npt.NDArray[np.int64]  # (N,) microseconds since the epoch
    values: npt.NDArray[np.float64]  # (N,) NaN: missing; the first is not
    judged_from: int = 0  # what follows on steps before is not told


class Examples(NamedTuple):
    """Stretches as a network meets them."""

    features: Halves  # (S, N, F)
    moves: Halves  # (S, N, H) in move scales; NaN: not known, or too far
    plain: Halves  # (S, N, H) what the combination says without a network


def make_examples(first: int, count: int, seed: int) -> Examples:
    """Examples of so many generated series: half of them alone, half of them in the company of others."""
    numbers = range(first, first + count)
    return examples_of([_generated(number, seed) for number in numbers], RULES)


def examples_of(stretches: Sequence[Stretch], rules: Hyperparameters = EACH_ROW) -> Examples:
    """Examples of these stretches: half of them alone, half of them in the company of others."""
    left, parts = list(stretches), list[Examples]()
    while left:
        alone = len(parts) % (TOGETHER + 1) != TOGETHER
        several, left = left[: 1 if alone else TOGETHER], left[1 if alone else TOGETHER :]
        parts.append(_lived(several, rules))
    return Examples(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _generated(number: int, seed: int) -> Stretch:
    series = generate(STEPS, np.random.default_rng([seed, number]))
    times = np.round((series.start + np.arange(STEPS) * series.step) * 1e6).astype(np.int64)
    return Stretch(times, series.values)


def _lived(stretches: Sequence[Stretch], rules: Hyperparameters) -> Examples:
    """Show stretches to a fresh bank, at each step all of them that still have a value."""
    bank, count = Bank(rules), len(stretches)
    ours, theirs = places(bank.columns)
    lengths = np.asarray([len(one.values) for one in stretches])
    times, values = np.zeros((count, STEPS), np.int64), np.full((count, STEPS), np.nan)
    for number, one in enumerate(stretches):
        times[number, : lengths[number]], values[number, : lengths[number]] = one.times, one.values
    found = Examples(
        np.zeros((count, STEPS, INPUTS), np.float16),
        np.full((count, STEPS, HORIZON), np.nan, np.float16),
        np.zeros((count, STEPS, HORIZON), np.float16),
    )
    for t in range(int(lengths.max())):
        here = np.flatnonzero(lengths > t)
        forecasts = bank.observe(
            [str(number) for number in here], times[here, t], values[here, t], events=np.zeros(len(here), np.int64)
        )
        sources, features, scale = bank.last_step(int((forecasts.outcome == Outcome.FORECAST).sum()))
        of = here[sources]
        found.features[of[:, None], t, theirs] = features[:, ours]
        scale = np.maximum(scale, np.finfo(np.float32).tiny)
        ahead = min(HORIZON, STEPS - 1 - t)
        moved = (values[of, t + 1 : t + 1 + ahead] - values[of, t, None]) / scale[:, :ahead]
        found.moves[of, t, :ahead] = np.where(np.abs(moved) < LARGEST_TARGET, moved, np.nan)
        said = (forecasts.mean[sources] - values[of, t, None]) / scale
        found.plain[of, t] = np.nan_to_num(np.clip(said, -LARGEST_TARGET, LARGEST_TARGET))
    for number, one in enumerate(stretches):
        found.moves[number, : one.judged_from] = np.nan
    return found

"""When series look for a season of their own: many that began together must not all do so at once."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Hyperparameters
from lstm_stream.arithmetic import Wholes
from lstm_stream.compiled import entry
from lstm_stream.season_search import EVERY, FIRST, LATER, is_due

STEPS = 4 * EVERY
MINUTE = 60_000_000
"""Microseconds."""


@entry
def count_looks(identities: npt.NDArray[np.uint64], looks: Wholes) -> None:
    """Count the looks of series (S,) at each step (N,) of their life."""
    for lived in range(len(looks)):
        for i in range(len(identities)):
            looks[lived] += is_due(lived, identities[i])


def looks_of(identities: npt.NDArray[np.uint64]) -> Wholes:
    looks = np.zeros(STEPS, np.int64)
    count_looks(identities, looks)
    return looks


@pytest.mark.parametrize("identity", [0, 1, 511, 2**63, 2**64 - 1])
def test_a_series_looks_four_times_while_it_is_young_and_then_once_in_so_many_steps(identity: int) -> None:
    looks = looks_of(np.asarray([identity], np.uint64))
    for first in (FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST):
        assert looks[first : first + first // LATER].sum() == 1
    assert looks[:EVERY].sum() == 4
    for begin in range(EVERY, STEPS - EVERY + 1):
        assert looks[begin : begin + EVERY].sum() == 1


def test_looks_of_many_series_that_began_together_are_even_over_the_steps() -> None:
    count = 20_000
    looks = looks_of(np.random.default_rng(0).integers(0, 2**64, count, np.uint64))
    assert looks[EVERY:].max() < 2 * count / EVERY
    assert looks[:EVERY].max() < 1.2 * count / (FIRST // LATER)


@pytest.mark.parametrize("cycle", [34, 50])
def test_when_a_series_looks_does_not_decide_how_well_it_is_foreseen(cycle: int) -> None:
    """As experts that a season makes others were once judged by their errors with the one found before."""
    minutes, names = np.arange(1200), [f"series {n}" for n in range(6)]
    values = 10.0 * (minutes % cycle < cycle // 2) + 0.2 * np.random.default_rng(0).normal(size=len(minutes))
    origins, off = np.arange(700, len(minutes) - 1), list[float]()
    for name in names:
        rules = Hyperparameters(horizon=12, effort=0.0, pretrained=False)
        means = Bank(rules).observe([name] * len(minutes), MINUTE * minutes, values).mean
        off.append(float(np.mean((means[origins, 0] - values[origins + 1]) ** 2)))
    assert max(off) < 1.15 * min(off)

"""The laws of the mixture: near the best of its experts, wherever and whenever that is."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream.mixture import SCORED, Mixture
from lstm_stream.network import Floats
from lstm_stream.readout import edges

EXPERTS, HORIZON = 4, 8
ROW = np.zeros(1, np.int64)
EVEN = np.ones((EXPERTS, len(edges(SCORED, HORIZON))), np.float32)


def mixed(values: npt.NDArray[np.float64], said: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """What the mixture says (T, H) of a series whose experts say (T, E, H)."""
    mixture = Mixture.empty(EXPERTS, HORIZON)
    mixture.grow(1)
    unit, told = np.ones((1, HORIZON), np.float32), []
    for t, moves in enumerate(said):
        moved = [values[t] - values[t - h] if h <= t else np.nan for h in range(1, HORIZON + 1)]
        mixture.score(ROW, np.asarray([t]), np.asarray([moved], np.float32), unit)
        weights = mixture.weights(ROW, there[None], EVEN, HORIZON)
        assert weights.sum(1) == pytest.approx(np.ones((1, HORIZON)), abs=1e-5)
        told.append((weights[0] * np.where(there[:, None], moves, 0.0)).sum(0))
        mixture.put(ROW, np.asarray([t]), np.where(there[:, None], moves, np.nan)[None])
    return np.asarray(told, np.float32)


def world(seed: int, noise: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], Floats, Floats]:
    """Values, what came of each step (T, H), and experts (T, E, H) that err by so much each (T, E)."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=len(noise) + HORIZON)
    ahead = np.arange(len(noise))[:, None] + np.arange(1, HORIZON + 1)
    came = (values[ahead] - values[: len(noise), None]).astype(np.float32)
    off = generator.normal(size=(*noise.shape, HORIZON)) * noise[:, :, None]
    return values, came, (came[:, None] + off).astype(np.float32)


ALL = np.ones(EXPERTS, np.bool_)


@pytest.mark.parametrize("best", range(EXPERTS))
def test_the_mixture_is_never_much_worse_than_its_best_expert(best: int) -> None:
    noise = np.full((600, EXPERTS), 1.5)
    noise[:, best] = 0.3
    values, came, said = world(best, noise)
    errors = ((mixed(values, said, ALL) - came)[200:] ** 2).mean(0)
    assert (errors < 1.1 * ((said[200:, best] - came[200:]) ** 2).mean(0)).all()


def test_experts_as_good_as_each_other_are_averaged() -> None:
    values, came, said = world(0, np.ones((600, EXPERTS)))
    assert ((mixed(values, said, ALL) - came)[200:] ** 2).mean() < 0.4


def test_the_mixture_turns_to_an_expert_that_has_become_better() -> None:
    noise = np.full((2000, EXPERTS), 1.0)
    noise[:1000, 0], noise[1000:, 1] = 0.2, 0.2
    noise[1000:, 0] = 2.0
    values, came, said = world(0, noise)
    errors = ((mixed(values, said, ALL) - came) ** 2).mean(1)
    assert errors[1700:].mean() < 0.1


def test_an_expert_that_is_not_there_has_no_say() -> None:
    values, came, said = world(0, np.full((300, EXPERTS), 0.5))
    there = np.asarray([True, False, True, True])
    said[:, 1] = 1e6
    assert ((mixed(values, said, there) - came) ** 2).mean() < 1.0

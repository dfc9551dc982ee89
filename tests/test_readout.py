"""The laws of the readouts."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream.arithmetic import Flags, Floats
from lstm_stream.columns import grown
from lstm_stream.compiled import entry
from lstm_stream.pooled import RIDGE, Pooled
from lstm_stream.readout import ONE, Layout, Readouts, edges, learn_readout

INPUTS, UNITS, HORIZON = 3, 4, 2
WIDTH = ONE + 1 + INPUTS + UNITS


@entry
def learn(readouts: Readouts, layout: Layout, z: Floats, targets: Floats, known: Flags, inverse: Floats) -> None:
    """Let the first series learn from an origin whose regressors are z (R,)."""
    regressors = np.empty((len(layout.origin), len(z)), np.float32)
    for group in range(len(layout.origin)):
        for r in range(len(z)):
            regressors[group, r] = z[r]
    learn_readout(readouts, layout, 0, regressors, targets, known, inverse, 0.0, np.empty_like(z))


def fresh() -> Readouts:
    return grown(Readouts.empty(HORIZON, WIDTH - ONE), 1)


def pooled() -> Pooled:
    return Pooled(INPUTS, INPUTS, UNITS, HORIZON, np.ones((1, 2), np.float32))


def drawn(*shape: int) -> Floats:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_the_readout_of_the_only_series_is_recursive_least_squares() -> None:
    regressors, targets = drawn(400, WIDTH), drawn(401, HORIZON)[1:]
    regressors[:, ONE] = 1.0
    readouts, pool = fresh(), pooled()
    for z, target in zip(regressors, targets, strict=True):
        known = np.ones(HORIZON, np.bool_)
        learn(readouts, Layout.of(HORIZON), z[ONE:], target, known, pool.regressions.inverse)
        pool.notes.rows[0] = np.concatenate([z, target, target])
        pool.notes.losses[0] = np.nan
        pool.fold(1, 1)
    z = regressors[:, ONE:].astype(np.float64)
    best = np.linalg.solve(z.T @ z + RIDGE * np.eye(z.shape[1]), z.T @ targets)  # (F, H)
    assert np.abs(readouts.weights[0] - best.T).max() < 0.1 * np.abs(best).max()


def test_a_readout_learns_nothing_from_what_is_not_known() -> None:
    readouts, unknown = fresh(), np.zeros(HORIZON, np.bool_)
    z, targets = np.ones(WIDTH - ONE, np.float32), np.ones(HORIZON, np.float32)
    learn(readouts, Layout.of(HORIZON), z, targets, unknown, pooled().regressions.inverse)
    assert not readouts.weights.any()


def test_pooled_regressions_that_cannot_be_solved_stay_as_they_were() -> None:
    pool = pooled()
    before: npt.NDArray[np.float32] = pool.regressions.inverse.copy()
    pool.notes.rows[0], pool.notes.losses[0] = np.nan, np.nan
    with pytest.raises((ArithmeticError, RuntimeError, ValueError)):
        pool.fold(1, 1)
    assert (pool.regressions.inverse == before).all()
    pool.notes.rows[0] = 0.0
    pool.fold(1, 1)
    assert np.isfinite(pool.regressions.inverse).all()


@pytest.mark.parametrize("horizon", [1, 2, 4, 5, 24, 48, 500])
def test_every_horizon_has_a_group(horizon: int) -> None:
    groups = edges((4, 24, 96), horizon)
    assert groups[-1] == horizon
    assert list(groups) == sorted(set(groups))

"""The laws of the readouts."""

import numpy as np
import pytest
import torch

from lstm_stream.network import product
from lstm_stream.pool import RIDGE, Pool
from lstm_stream.readout import ONE, Origins, Readouts, edges

INPUTS, UNITS, HORIZON = 3, 4, 2
WIDTH = ONE + 1 + INPUTS + UNITS


def test_the_readout_of_the_only_series_is_recursive_least_squares() -> None:
    generator = np.random.default_rng(0)
    regressors, targets = (generator.normal(size=(400, n)).astype(np.float32) for n in (WIDTH, HORIZON))
    regressors[:, ONE] = 1.0
    readouts = Readouts.empty(HORIZON, INPUTS, UNITS)
    readouts.grow(1)
    pool, row = Pool(INPUTS, INPUTS, UNITS, HORIZON, np.ones((1, 2), np.float32)), np.zeros(1, np.int64)
    for z, target in zip(regressors, targets, strict=True):
        known = np.ones((1, HORIZON), np.float32)
        origins = Origins(np.repeat(z[None, None], 2, 1), target[None], known)
        readouts.step(row, origins, pool.gains)
        pool.note(row, z[None], np.concatenate([target, target])[None], np.full((1, 1, 2), np.nan, np.float32))
        pool.fold(1, 1)
    z = regressors[:, ONE:].astype(np.float64)
    best = np.linalg.solve(z.T @ z + RIDGE * np.eye(z.shape[1]), z.T @ targets)  # (F, H)
    assert np.abs(readouts.weights[0] - best.T).max() < 0.1 * np.abs(best).max()


def test_a_readout_learns_nothing_from_what_is_not_known() -> None:
    readouts = Readouts.empty(HORIZON, INPUTS, UNITS)
    readouts.grow(1)
    pool = Pool(INPUTS, INPUTS, UNITS, HORIZON, np.ones((1, 2), np.float32))
    origins = Origins(
        np.ones((1, 2, WIDTH), np.float32), np.ones((1, HORIZON), np.float32), np.zeros((1, HORIZON), np.float32)
    )
    readouts.step(np.zeros(1, np.int64), origins, pool.gains)
    assert not readouts.weights.any()


@pytest.mark.parametrize("width", [26, 77, 102])
def test_a_product_gives_a_row_the_same_bits_in_any_company(width: int) -> None:
    torch.set_num_threads(1)
    generator = np.random.default_rng(width)
    rows, weights = (generator.normal(size=(n, width)).astype(np.float32) for n in (3000, width))
    whole = product(rows, weights)
    for count in (1, 2, 7, 8, 9, 63, 500, 2047):
        assert np.array_equal(product(rows[5 : 5 + count].copy(), weights), whole[5 : 5 + count])


@pytest.mark.parametrize("horizon", [1, 2, 4, 5, 24, 48, 500])
def test_every_horizon_has_a_group(horizon: int) -> None:
    groups = edges((4, 24, 96), horizon)
    assert groups[-1] == horizon
    assert list(groups) == sorted(set(groups))

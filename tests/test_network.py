"""The network is the textbook LSTM, trained by torch and run by the compiled cell, and what it carries is worth it."""

import numpy as np
import pytest
import torch

from lstm_stream.arithmetic import Floats
from lstm_stream.learner import Learner
from lstm_stream.network import Network, Windows
from tests.cells import stepped

INPUTS, UNITS, HORIZON = 5, 48, 24


def drawn(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def spoken(network: Network) -> Network:
    """The network with a head that says something."""
    with torch.no_grad():
        network.head.weight.normal_(generator=torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize(("units", "horizon"), [(48, 24), (8, 1), (5, 7)])
def test_a_step_of_the_cell_is_one_of_torchs_lstm(units: int, horizon: int) -> None:
    network = spoken(Network(INPUTS, units, horizon, seed=1))
    x, hidden, cell = drawn(0, 10, INPUTS), drawn(1, 10, units), drawn(2, 10, units)
    told = stepped(network, x, hidden, cell)
    x_, hidden_, cell_ = (torch.from_numpy(array) for array in (x, hidden, cell))
    with torch.no_grad():
        _, (shown, kept) = network.lstm(x_[None], (hidden_[None], cell_[None]))
        output = network.head(torch.cat([shown[0], x_], 1))
    for ours, theirs in zip(told, (shown[0], kept[0], output), strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-5


def test_a_network_remembers_at_first_and_says_no_change() -> None:
    network = Network(INPUTS, UNITS, HORIZON)
    _, _, output = stepped(network, drawn(0, 9, INPUTS), drawn(1, 9, UNITS), drawn(2, 9, UNITS))
    assert not output.any()
    assert network.gates(0 * drawn(0, 9, INPUTS), 0 * drawn(1, 9, UNITS)).forget == pytest.approx(0.73, abs=0.03)


def test_torchs_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    Network(INPUTS, UNITS, HORIZON, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_state_carried_over_many_calls_equals_one_long_call() -> None:
    network = spoken(Network(INPUTS, UNITS, HORIZON, seed=2))
    x = drawn(0, 100, 3, INPUTS)  # (W, B, F)
    hidden = cell = np.zeros((3, UNITS), np.float32)
    outputs = []
    for t in range(100):
        hidden, cell, output = stepped(network, x[t], hidden, cell)
        outputs.append(output)
    zeros = torch.zeros(3, UNITS)
    with torch.no_grad():
        whole = network.unroll(torch.from_numpy(x), zeros, zeros).numpy()
    assert np.abs(np.stack(outputs) - whole).max() < 1e-4


LAG = 100


def recalled(seed: int, carried: bool) -> float:
    """Error in saying what was shown 100 steps and more before, by a network taught in windows of 20 steps.

    The error of one that knows nothing is 1.
    """
    learner = Learner(Network(1, 16, 1, seed), 1e-2)
    generator = np.random.default_rng(seed)
    errors = []
    for _ in range(60):
        hidden = cell = np.zeros((16, 16), np.float32)
        bits = generator.choice([-1.0, 1.0], (16, 1)).astype(np.float32)
        targets = np.broadcast_to(bits[:, :, None], (16, 20, 1)).astype(np.float32)
        for begin in range(0, LAG + 20, 20):  # shown in the first ten steps, asked for in the last
            x = np.zeros((16, 20, 1), np.float32)
            x[:, :10, 0] = bits * (begin == 0)
            if not carried:
                hidden, cell = 0 * hidden, 0 * cell
            learner.learn(Windows(x, hidden, cell, targets, np.ones_like(targets, np.bool_)))
            for t in range(20):
                hidden, cell, output = stepped(learner.network, x[:, t], hidden, cell)
        errors.append(float(np.mean((output - bits) ** 2)))
    return float(np.mean(errors[-20:]))


def test_what_was_shown_100_steps_back_is_learnt_with_carried_state_and_not_without() -> None:
    assert recalled(0, carried=True) < 0.1
    assert recalled(0, carried=False) > 0.9


def windows(seed: int, spoilt: float = 0.0) -> Windows:
    targets = drawn(seed + 3, 4, 6, HORIZON)
    targets[0, 0, 0] += spoilt
    return Windows(
        drawn(seed, 4, 6, INPUTS),
        drawn(seed + 1, 4, UNITS),
        drawn(seed + 2, 4, UNITS),
        targets,
        np.ones((4, 6, HORIZON), np.bool_),
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_never_reaches_the_weights(bad: float) -> None:
    learner = Learner(Network(INPUTS, UNITS, HORIZON), 1e-3)
    learner.learn(windows(0))
    before = learner.dump()
    lesson = learner.learn(windows(1, bad))
    assert (lesson.learnt, learner.skipped, learner.updates) == (False, 1, 1)
    assert all(np.array_equal(array, before[name]) for name, array in learner.dump().items())


def test_a_learner_dumped_and_loaded_goes_on_with_the_same_bits() -> None:
    first = Learner(Network(INPUTS, UNITS, HORIZON), 1e-3)
    for seed in range(5):
        first.learn(windows(seed))
    second = Learner(Network(INPUTS, UNITS, HORIZON, seed=9), 1e-3)
    second.load(first.dump(), first.updates, first.skipped)
    for learner in (first, second):
        learner.learn(windows(7))
    others = second.dump()
    assert all(np.array_equal(array, others[name]) for name, array in first.dump().items())


def test_a_target_that_has_not_come_teaches_nothing() -> None:
    one, other = (Learner(Network(INPUTS, UNITS, HORIZON), 1e-3) for _ in range(2))
    known = np.zeros((4, 6, HORIZON), np.bool_)
    known[:, :3] = True
    first, second = windows(0)._replace(known=known), windows(0)._replace(known=known)
    second.targets[:, 3:] = 1e6
    one.learn(first)
    other.learn(second)
    others = other.dump()
    assert all(np.array_equal(array, others[name]) for name, array in one.dump().items())

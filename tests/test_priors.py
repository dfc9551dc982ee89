"""The laws of pooled priors: what a young series borrows."""

import numpy as np

from lstm_stream.columns import grown as with_room
from lstm_stream.expert_losses import Combination
from lstm_stream.history import History
from lstm_stream.move_scale import Moves, write_move_scale
from lstm_stream.priors import FEWEST, Priors
from lstm_stream.scale import Scale

HORIZON = 4


def grown(series: int) -> tuple[History, Scale, Moves, Combination]:
    """Series that spread twice as wide as they step, and whose combination halves the error."""
    history, scale = with_room(History.empty(256), series), with_room(Scale.empty(), series)
    moves, combination = with_room(Moves.empty(HORIZON), series), with_room(Combination.empty(3, HORIZON), series)
    history.age[:] = 200
    scale.spread[:] = 3.0
    scale.difference[:, 0] = 1.5
    moves.usual[:] = np.arange(1, HORIZON + 1)
    combination.first[:], combination.own[:] = 400.0, 100.0
    return history, scale, moves, combination


def test_grown_series_tell_what_they_have_in_common() -> None:
    priors = Priors(HORIZON)
    priors.learn(*grown(FEWEST))
    assert priors.roughness == 2.0
    assert priors.move_scale.tolist() == [1, 2, 3, 4]
    assert (np.abs(priors.gain - np.log(4)) < 0.05).all()


def test_too_few_of_them_or_too_young_ones_tell_nothing() -> None:
    priors, (history, scale, moves, combination) = Priors(HORIZON), grown(FEWEST)
    history.age[0] = 20
    priors.learn(history, scale, moves, combination)
    assert priors.roughness == 0.0
    assert not priors.move_scale.any()


def test_a_young_series_is_taken_to_move_as_far_as_grown_ones_and_a_grown_one_as_far_as_itself() -> None:
    _, _, moves, _ = grown(2)
    moves.usual[0] = 0.0  # knows nothing yet
    prior, young, old = np.full(HORIZON, 9.0, np.float32), *np.zeros((2, HORIZON), np.float32)
    write_move_scale(moves, 0, 1, np.float32(1.0), prior, young)
    write_move_scale(moves, 1, 100_000, np.float32(1.0), prior, old)
    assert young.tolist() == [9.0] * HORIZON
    assert np.abs(old - np.arange(1, HORIZON + 1)).max() < 0.01


def test_what_is_known_is_kept_in_a_dump() -> None:
    priors, other = Priors(HORIZON), Priors(HORIZON)
    priors.learn(*grown(FEWEST))
    other.load(priors.dump())
    assert other.roughness == priors.roughness
    assert (other.move_scale == priors.move_scale).all()
    assert (other.gain == priors.gain).all()

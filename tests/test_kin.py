"""The laws of what a young series borrows."""

import numpy as np

from lstm_stream.intervals import Intervals
from lstm_stream.kin import FEWEST, Kin
from lstm_stream.memory import Memory
from lstm_stream.mixture import Mixture

HORIZON = 4


def grown(series: int) -> tuple[Memory, Intervals, Mixture]:
    """Series that spread twice as wide as they step, and whose mixture halves the error."""
    memory, intervals = Memory.empty(256), Intervals.empty(HORIZON)
    mixture = Mixture.empty(3, HORIZON)
    for columns in (memory, intervals, mixture):
        columns.grow(series)
    memory.age[:] = 200
    memory.spread[:] = 3.0
    memory.difference_spread[:, 0] = 1.5
    intervals.reach[:] = np.arange(1, HORIZON + 1)
    mixture.first[:], mixture.own[:] = 400.0, 100.0
    return memory, intervals, mixture


def test_grown_series_tell_what_they_have_in_common() -> None:
    kin = Kin(HORIZON)
    kin.learn(*grown(FEWEST))
    assert kin.roughness == 2.0
    assert kin.reach.tolist() == [1, 2, 3, 4]
    assert (np.abs(kin.gain - np.log(4)) < 0.05).all()


def test_too_few_of_them_or_too_young_ones_tell_nothing() -> None:
    kin, (memory, intervals, mixture) = Kin(HORIZON), grown(FEWEST)
    memory.age[0] = 20
    kin.learn(memory, intervals, mixture)
    assert kin.roughness == 0.0
    assert not kin.reach.any()


def test_a_young_series_is_taken_to_reach_as_far_as_its_kin_and_a_grown_one_as_far_as_itself() -> None:
    _, intervals, _ = grown(2)
    intervals.reach[0] = 0.0  # knows nothing yet
    reaches = intervals.reaches(
        np.arange(2), np.ones(2, np.float32), np.asarray([1, 100_000]), np.full(HORIZON, 9.0, np.float32)
    )
    assert reaches[0].tolist() == [9.0] * HORIZON
    assert np.abs(reaches[1] - np.arange(1, HORIZON + 1)).max() < 0.01


def test_what_is_known_is_kept_in_a_dump() -> None:
    kin, other = Kin(HORIZON), Kin(HORIZON)
    kin.learn(*grown(FEWEST))
    other.load(kin.dump())
    assert other.roughness == kin.roughness
    assert (other.reach == kin.reach).all()
    assert (other.gain == kin.gain).all()

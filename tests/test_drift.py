"""The laws of noticing drift."""

import numpy as np
import numpy.typing as npt
import pytest
from river.drift import ADWIN

from lstm_stream import Bank, Hyperparameters
from lstm_stream.drift import CONFIDENCE, Drift, Windows

FOLD = 16
HOUR = 3_600_000_000


def followed(drift: Drift, errors: npt.NDArray[np.float64], series: int = 1) -> list[int]:
    """The steps by which drifts had been noticed."""
    told = []
    for begin in range(0, len(errors), FOLD):
        part = errors[begin : begin + FOLD].astype(np.float32)
        before = drift.total
        drift.fold(part, series)
        told += [begin + FOLD] * (drift.total - before)
    return told


def noise(seed: int, length: int) -> npt.NDArray[np.float64]:
    """Errors of heavy tails, larger by day than by night."""
    generator = np.random.default_rng(seed)
    return np.abs(generator.standard_t(4, length)) * (1 + 0.5 * np.sin(2 * np.pi * np.arange(length) / 24))


@pytest.mark.parametrize("seed", range(4))
def test_errors_that_stay_as_they_are_are_no_drift(seed: int) -> None:
    assert followed(Drift(), 0.3 * noise(seed, 4000)) == []


@pytest.mark.parametrize("seed", range(4))
def test_errors_that_grow_are_one_drift_noticed_soon_and_those_that_shrink_are_none(seed: int) -> None:
    errors = 0.3 * noise(seed, 6000)
    grown, shrunk = errors.copy(), errors.copy()
    grown[3000:] *= 4
    shrunk[3000:] /= 4
    told = [step for step in followed(Drift(), grown) if step < 3400]
    assert len(told) == 1
    assert 3000 < told[0] < 3100
    assert followed(Drift(), shrunk) == []


def test_the_alarm_fades_with_the_readings_that_follow() -> None:
    drift = Drift()
    errors = 0.3 * noise(0, 3100)
    errors[3000:] *= 4
    followed(drift, errors)
    high = drift.alarm
    assert 0.3 < high <= 1
    followed(drift, 1.2 * noise(1, 800))
    assert drift.alarm < 0.01


def test_a_drift_dumped_and_loaded_goes_on_as_if_nothing_had_been() -> None:
    errors = 0.3 * noise(0, 9000)  # more than are kept
    errors[6000:] *= 3
    whole, first, second = Drift(), Drift(), Drift()
    followed(first, errors[:4800], 3)
    second.load(first.dump())
    for one in (first, second):
        followed(one, errors[4800:], 3)
    assert first.total == second.total
    assert first.alarm == second.alarm
    followed(whole, errors, 3)
    assert whole.total == 1


def test_a_bank_notices_that_its_series_have_become_restless() -> None:
    generator = np.random.default_rng(0)
    day, noise_ = np.sin(2 * np.pi * np.arange(1600) / 24), generator.normal(size=1600)
    values = np.where(np.arange(1600) < 1000, day + 0.05 * noise_, 0.7 * noise_)
    bank = Bank(Hyperparameters(horizon=2, step="event", effort=0.1))
    drifts = bank.observe(["a"] * 1600, np.arange(1600) * HOUR, values).drifts
    assert drifts[999] == 0
    assert drifts[1150] >= 1
    assert bank.diagnostics.drifts == drifts[-1]


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_those_of_river(seed: int) -> None:
    readings = np.concatenate([level * noise(seed, 300) for level in (0.3, 1.2, 0.2, 0.2, 3.0)])
    ours, river = Windows(), ADWIN(delta=CONFIDENCE, clock=1, min_window_length=2)
    found = 0
    for reading in readings.tolist():
        is_other = ours.update(reading)
        river.update(reading)
        assert (is_other, ours.mean) == (river.drift_detected, river.estimation)
        found += is_other
    assert found > 1

"""Numbers in half precision and in bytes: all of them, and what is lost of others."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lstm_stream.arithmetic import Bytes, Floats, Halves, from_byte, narrowed, to_byte, widened, widened_finite
from lstm_stream.compiled import entry

ALL_HALVES = np.arange(2**16, dtype=np.uint16)
FINITE = ALL_HALVES[np.isfinite(ALL_HALVES.view(np.float16))]


@entry
def narrow(numbers: Floats, to: Halves) -> None:
    for k in range(len(numbers)):
        to[k] = narrowed(numbers[k])


@entry
def widen(halves: Halves, to: Floats) -> None:
    for k in range(len(halves)):
        to[k] = widened(halves[k])


@entry
def widen_finite(halves: Halves, to: Floats) -> None:
    for k in range(len(halves)):
        to[k] = widened_finite(halves[k])


@entry
def through_bytes(numbers: Floats, bytes_: Bytes, back: Floats) -> None:
    for k in range(len(numbers)):
        bytes_[k] = to_byte(numbers[k])
        back[k] = from_byte(bytes_[k])


def test_halves_are_those_of_numpy() -> None:
    wide = np.zeros(len(ALL_HALVES), np.float32)
    widen(ALL_HALVES, wide)
    np.testing.assert_array_equal(wide, ALL_HALVES.view(np.float16).astype(np.float32))
    numbers = np.concatenate([wide[np.isfinite(wide)], np.random.default_rng(1).normal(0, 1e3, 10_000)]).astype("f")
    halves = np.zeros(len(numbers), np.uint16)
    narrow(numbers, halves)
    np.testing.assert_array_equal(halves.view(np.float16), numbers.astype(np.float16))


def test_finite_halves_are_the_same_without_a_branch() -> None:
    wide = np.zeros(len(FINITE), np.float32)
    widen_finite(FINITE, wide)
    np.testing.assert_array_equal(wide.view(np.uint32), FINITE.view(np.float16).astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("numbers", [np.linspace(-1, 1, 4001, dtype=np.float32), np.array([0.0, -0.0, 1e-30], "f")])
def test_a_number_in_a_byte_is_off_by_half_a_127th_at_most(numbers: NDArray[np.float32]) -> None:
    kept, back = np.zeros(len(numbers), np.int8), np.zeros(len(numbers), np.float32)
    through_bytes(numbers, kept, back)
    assert np.abs(back - numbers).max() <= 0.5 / 127 + 1e-7
    again = back.copy()
    through_bytes(again, kept, back)
    np.testing.assert_array_equal(back, again)

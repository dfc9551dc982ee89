"""Scalar functions of the compiled step: bounds, half precision, the hyperbolic tangent, sums of products, sorting."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lstm_stream.compiled import compiled

Real = Any
"""A number in single or double precision."""
Whole = Any
"""A whole number of any size."""
Flag = Any
"""True or false, as Python's or numpy's."""
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.int8]
Halves = npt.NDArray[np.uint16]
"""The bits of numbers in half precision, which numba does not know; `view(numpy.float16)` reads them."""

MOST_HALF = 6e4
"""Near the largest number in half precision."""
FITTING = 1e7
"""How many times a unit the spread may become, or the spread a unit, until values need another one."""
LARGEST_RATIO = 1e18
"""What is further out, in any unit, counts as this: single precision holds its square."""
HALF_UNIT = np.float32(2.0**-24)
"""The distance between two of the smallest numbers in half precision."""
ROUNDER = np.float32(0.5)
"""Adding a number of this size rounds to multiples of `HALF_UNIT`: single precision has 24 bits."""

BYTE = 127.0
"""Parts of one that a number in a byte is told in."""
EXPONENTS_APART = np.float32(2.0**112)
"""Single precision's smallest exponent is less than that of half precision by 112."""

EDGE = np.float32(7.9053111)
"""Beyond it the hyperbolic tangent is 1 in single precision."""
P1, P3, P5 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04), np.float32(1.48572235717979e-05)
P7, P9 = np.float32(5.12229709037114e-08), np.float32(-8.60467152213735e-11)
P11, P13 = np.float32(2.00018790482477e-13), np.float32(-2.76076847742355e-16)
Q0, Q2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
Q4, Q6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)
ONE, HALF = np.float32(1.0), np.float32(0.5)


@compiled
def fits(unit: Real, spread: Real) -> Flag:
    """Whether values may still be told in a unit that was the spread once; 0: there was none."""
    return unit > 0 and unit / np.float32(FITTING) < spread < unit * np.float32(FITTING)


@compiled
def bounded(x: Real, largest: Real) -> Real:
    """The number in [-largest, largest] that is nearest; NaN for NaN."""
    if x > largest:
        return largest
    if x < -largest:
        return -largest
    return x


@compiled
def ratio(value: Real, unit: Real) -> Real:
    """A value over a unit in single precision, bounded by `LARGEST_RATIO`: values may be 1e30, units 1e-12."""
    return np.float32(bounded(np.float64(value) / np.float64(unit), LARGEST_RATIO))


@compiled
def positive_ratio(value: Real, unit: Real) -> Real:
    """The `ratio` of a positive value to a positive unit, never zero."""
    return max(ratio(value, unit), np.float32(1.0 / LARGEST_RATIO))


@compiled
def narrowed(x: Real) -> Whole:
    """The bits of a number in half precision, rounded to the nearest, ties to even; infinite beyond the largest."""
    bits = np.int64(np.float32(x).view(np.uint32))
    sign = (bits >> 16) & 0x8000
    size = bits & 0x7FFFFFFF
    if size > 0x7F800000:
        half: Whole = 0x7E00
    elif size >= 0x47800000:
        half = 0x7C00
    elif size < 0x38800000:
        half = np.int64(np.float32(abs(np.float32(x)) + ROUNDER).view(np.uint32)) - 0x3F000000
    else:
        half = (size - 0x38000000 + 0xFFF + ((size >> 13) & 1)) >> 13
    return np.uint16(half | sign)


@compiled
def widened(half: int) -> Real:
    """The number (single precision) that has these bits in half precision."""
    bits = np.int64(half)
    sign = (bits & 0x8000) << 16
    size = bits & 0x7FFF
    if size >= 0x7C00:
        wide: Whole = (size << 13) + 0x70000000
    elif size < 0x0400:
        wide = np.int64(np.float32(np.float32(size) * HALF_UNIT).view(np.uint32))
    else:
        wide = (size << 13) + 0x38000000
    return np.uint32(wide | sign).view(np.float32)


@compiled
def widened_finite(half: int) -> Real:
    """The same of a finite number, without a branch, so that a loop over it vectorises."""
    bits = np.uint32(half)
    size = np.uint32((bits & np.uint32(0x7FFF)) << np.uint32(13)).view(np.float32) * EXPONENTS_APART
    return size if bits < np.uint32(0x8000) else -size


@compiled
def to_byte(x: Real) -> Whole:
    """A number in [-1, 1] as a whole number of 127ths, rounded to the nearest."""
    return np.int8(np.rint(x * np.float32(BYTE)))


@compiled
def from_byte(byte: int) -> Real:
    """The number of `to_byte`."""
    return np.float32(byte) * np.float32(1.0 / BYTE)


@compiled
def halved(x: Real) -> Real:
    """A number rounded to half precision."""
    return widened(narrowed(x))


@compiled
def tanh(x: Real) -> Real:
    """The hyperbolic tangent in single precision, as a quotient of polynomials (Eigen's); a loop over it vectorises."""
    x = min(max(x, -EDGE), EDGE)
    s = x * x
    p = x * (P1 + s * (P3 + s * (P5 + s * (P7 + s * (P9 + s * (P11 + s * P13))))))
    return p / (Q0 + s * (Q2 + s * (Q4 + s * Q6)))


@compiled
def sigmoid(x: Real) -> Real:
    """1 / (1 + exp(-x)) in single precision."""
    return HALF + HALF * tanh(HALF * x)


@compiled
def add_product(total: Floats, x: Floats, weights: Floats) -> None:
    """Add ``x @ weights`` to a total (O,), of x (F,) and weights (F, O).

    The loop over the outputs lies inside, so that it vectorises. Four inputs at a time spare it three of four visits to
    the total; the sums are the same to the bit.
    """
    inputs, outputs = len(x), len(total)
    fours = inputs - inputs % 4
    for k in range(0, fours, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for j in range(outputs):
            total[j] = total[j] + x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j]
    for k in range(fours, inputs):
        factor = x[k]
        for j in range(outputs):
            total[j] += factor * weights[k, j]


@compiled
def fill(values: Floats, value: Real) -> None:
    """Set all values to one; short to compile, which an assignment to a slice is not."""
    for k in range(len(values)):
        values[k] = value


@compiled
def copy(values: Floats, to: Floats) -> None:
    """Copy values."""
    for k in range(len(values)):
        to[k] = values[k]


@compiled
def dot(x: Floats, y: Floats) -> Real:
    """Sum of products of two vectors."""
    total = np.float32(0.0)
    for k in range(len(x)):
        total += x[k] * y[k]
    return total


@compiled
def sort(values: Floats) -> None:
    """Put a few values in order, in place."""
    for k in range(1, len(values)):
        value, j = values[k], k
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@compiled
def median(values: Floats) -> Real:
    """Median of some values, which are left in order."""
    sort(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / np.float32(2)


def ratios(values: Floats, units: Floats) -> Floats:
    """The `ratio` of each value to its unit."""
    exact = np.divide(values, units, dtype=np.float64)
    bounds: Floats = np.clip(exact, -LARGEST_RATIO, LARGEST_RATIO).astype(np.float32)
    return bounds

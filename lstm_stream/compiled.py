"""Compilation by numba of the functions that go through a series' step.

Division by zero gives an infinity or NaN, as in numpy, and raises nothing. With `NUMBA_DISABLE_JIT=1` the same
functions run as plain Python, and with `NUMBA_BOUNDSCHECK=1` every index is checked.
"""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function that other compiled ones call, as a part of them; Python can't call it."""
    result: Function = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    return result


def entry(function: Function) -> Function:
    """Compile a function that Python calls, at its first call, and keep the code in a cache; it releases the GIL."""
    result: Function = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    return result

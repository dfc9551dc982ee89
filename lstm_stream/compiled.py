"""Compilation by numba of the functions that go through a series' step.

Division by zero gives an infinity or NaN, as in numpy, and raises nothing. With `NUMBA_DISABLE_JIT=1` the same
functions run as plain Python, and with `NUMBA_BOUNDSCHECK=1` every index is checked.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache

from lstm_stream.part_compiler import PartCompiler

Function = TypeVar("Function", bound=Callable[..., object])

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
INNER: dict[str, Any] = OPTIONS | {"no_cpython_wrapper": True}


def compiled(function: Function) -> Function:
    """Compile a function that other compiled ones call, as a part of them; Python can't call it."""
    result: Function = njit(**INNER, pipeline_class=PartCompiler)(function)
    return result


def entry(function: Function) -> Function:
    """Compile a function that Python calls, at its first call, and keep the code in a cache; it releases the GIL.

    Numba compiles a cached function again when its own file has changed; this one also when a function or a constant
    has changed that it uses, in whatever file.
    """
    dispatcher: Any = njit(**OPTIONS)(function)
    if dispatcher is not function:  # plain Python has no cache
        cache: Any = _Cache
        dispatcher._cache = cache(function)
    result: Function = dispatcher
    return result


class _Cache(FunctionCache):
    """Compiled code of a function on disk, with the stamp of all that it was compiled from."""

    def load_overload(self, sig: object, target_context: object) -> object:
        """Load what was compiled for a signature, if there is something with this stamp; None: there is not."""
        self._cache_file._source_stamp = stamp(self._py_func)
        cache: Any = super()
        return cache.load_overload(sig, target_context)


def stamp(function: FunctionType) -> str:
    """A digest of a function and of all compiled ones that it calls, with the constants they use."""
    parts: dict[str, str] = {}
    waiting = [function]
    while waiting:
        one = waiting.pop()
        name = f"{one.__module__}.{one.__qualname__}"
        if name not in parts:
            parts[name] = repr((one.__code__.co_code, *_constants(one)))
            waiting += [used.py_func for used in _used(one) if hasattr(used, "py_func")]
    return blake2b(repr(sorted(parts.items())).encode(), digest_size=16).hexdigest()


def _constants(function: FunctionType) -> Iterator[str]:
    code = function.__code__
    yield from (repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType))
    yield from code.co_names
    yield from (repr(used) for used in _used(function) if isinstance(used, int | float | tuple | np.generic))
    yield from (repr(used._fields) for used in _used(function) if hasattr(used, "_fields"))


def _used(function: FunctionType) -> list[Any]:
    """What a function uses of its module."""
    names = function.__code__.co_names
    return [function.__globals__[name] for name in names if name in function.__globals__]

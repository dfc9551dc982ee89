"""Compilation by numba of the functions that go through a series' step.

Division by zero gives an infinity or NaN, as in numpy, and raises nothing. With `NUMBA_DISABLE_JIT=1` the same
functions run as plain Python, and with `NUMBA_BOUNDSCHECK=1` every index is checked.

Numba optimises each compiled function with all that it calls, and makes machine code of it, so that Python could call
it: a function six calls deep is optimised seven times. Functions that only compiled ones call are optimised once, as
parts of the function that Python calls, and have no machine code of their own. That halves the time to compile.
See https://numba.readthedocs.io/en/stable/developer/custom_pipeline.html.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.typed_passes import NativeLowering

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


class _PartLibrary(JITCodeLibrary):
    """Code that goes into other libraries, and is optimised there."""

    def _optimize_final_module(self) -> None:
        """Leave that to the libraries it goes into."""

    def _finalize_final_module(self) -> None:
        """Do not give it to the engine, which would call this code, not optimised, in place of that in its callers."""
        library: Any = self
        library._finalize_dynamic_globals()
        library._finalized = True


class PartCompiler(CompilerBase):
    """Compiles a function that only compiled ones call: no machine code of its own is made."""

    def define_pipelines(self) -> list[PassManager]:
        """As usual, but for the last step."""
        state = self.state
        state.flags.no_compile = True
        library: Any = _PartLibrary
        state.library = library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        passes = DefaultPassBuilder.define_nopython_pipeline(state)
        passes.add_pass_after(_InsertPart, NativeLowering)
        passes.finalize()
        return [passes]


@register_pass(mutates_CFG=True, analysis_only=False)
class _InsertPart(LoweringPass):
    """Lets other compiled functions find the code."""

    _name = "insert_part"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Under a key that stands where the function is that Python would call: a builtin one, which raises."""
        name = state.func_id.func_qualname.rpartition(".")[2]
        key = f"{{{name} is a part of compiled functions and cannot be called from Python}}".format  # a KeyError
        state.targetctx.insert_user_function(key, state.cr.fndesc, [state.library])
        state["cr"] = state.cr._replace(cfunc=key)
        return True

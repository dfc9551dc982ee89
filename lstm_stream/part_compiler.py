"""The compiler of functions that only compiled functions call.

Numba optimises each compiled function with all that it calls, and makes machine code of it, so that Python could call
it: a function six calls deep is optimised seven times. Functions compiled here are optimised once, as parts of the
function that Python calls, and have no machine code of their own. That halves the time to compile.
See https://numba.readthedocs.io/en/stable/developer/custom_pipeline.html.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.typed_passes import NativeLowering


class _PartLibrary(JITCodeLibrary):
    """Code that goes into other libraries, and is optimised there."""

    def _optimize_final_module(self) -> None:
        """Leave that to the libraries it goes into."""


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

"""Functions that only compiled ones call are optimised as parts of their callers, and run as such."""

from typing import Any

import numpy as np
import pytest
from numba import config
from numba.core.codegen import JITCPUCodegen

from lstm_stream.arithmetic import Floats
from lstm_stream.compiled import compiled, entry


@pytest.mark.skipif(bool(vars(config)["DISABLE_JIT"]), reason="nothing is compiled")
def test_the_engine_is_given_callers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would call what it is given of a part, which is not optimised, in place of the code in the caller."""
    given: list[str] = []
    add: Any = JITCPUCodegen._add_module

    def spied(codegen: Any, module: Any) -> Any:
        given.append(module.name)
        return add(codegen, module)

    @compiled
    def a_part(values: Floats) -> None:
        for k in range(len(values)):
            values[k] += 1

    @entry
    def a_caller(values: Floats) -> None:
        a_part(values)

    monkeypatch.setattr(JITCPUCodegen, "_add_module", spied)
    values = np.zeros(3, np.float32)
    a_caller(values)
    assert values.tolist() == [1.0, 1.0, 1.0]
    assert any("a_caller" in name for name in given)
    assert not any("a_part" in name for name in given)

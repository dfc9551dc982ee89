"""What compiled code reads of a NamedTuple through a reference is what Python reads of it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from numba.core import config

from lstm_stream.compiled import compiled, entry
from lstm_stream.references import References, refer

PLAIN = bool(vars(config)["DISABLE_JIT"])


class Inner(NamedTuple):
    """A part of `Outer`."""

    table: npt.NDArray[np.float32]
    times: int


class Outer(NamedTuple):
    """A field of each kind."""

    values: npt.NDArray[np.float64]
    inner: Inner
    bits: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.bool_]
    cube: npt.NDArray[np.int64]
    factor: float
    whole: int
    on: bool


def outer(rows: int = 3) -> Outer:
    return Outer(
        values=np.arange(rows) / 2,
        inner=Inner(np.ones((rows, 2), np.float32), 7),
        bits=np.full(rows, 65535, np.uint16),
        flags=np.arange(rows) % 2 == 0,
        cube=np.arange(rows * 8).reshape(rows, 2, 4),
        factor=-0.5,
        whole=-(2**62),
        on=True,
    )


@compiled
def _add(inner: Inner, i: int) -> None:
    for k in range(inner.table.shape[1]):
        inner.table[i, k] += inner.times


@entry
def read(o: Outer, i: int, out: npt.NDArray[np.float64]) -> int:
    """Read each field, and write into one."""
    _add(o.inner, i)
    row = o.cube[i]
    out[0], out[1], out[2] = o.values[i], o.bits[i], o.flags[i]
    out[3], out[4], out[5] = row[1, 3], o.factor, o.on
    out[6], out[7] = len(o.values), o.cube.shape[1]
    return o.whole


@entry
def length(o: Outer) -> int:
    """Of the values."""
    return len(o.values)


def test_every_kind_of_field_is_read_as_it_is() -> None:
    o, out = outer(), np.zeros(8)
    assert read(refer(o), 1, out) == o.whole
    assert out.tolist() == [0.5, 65535.0, 0.0, 15.0, -0.5, 1.0, 3.0, 2.0]
    assert o.inner.table.tolist() == [[1, 1], [8, 8], [1, 1]]


def test_a_change_of_an_array_is_seen_on_either_side() -> None:
    o, out = outer(), np.zeros(8)
    reference = refer(o)
    o.values[2] = 9.0
    read(reference, 2, out)
    assert out[0] == 9.0
    assert o.inner.table[2, 0] == 8.0


def test_one_compilation_serves_tuples_of_any_shape() -> None:
    for rows in (1, 2, 50):
        read(refer(outer(rows)), 0, np.zeros(8))
    assert len(getattr(read, "signatures", [None])) == 1


def test_an_array_may_be_empty() -> None:
    assert length(refer(outer()._replace(values=np.zeros(0)))) == 0


@pytest.mark.parametrize(
    "values", [np.arange(6.0)[::2], np.frombuffer(np.arange(3.0).tobytes())], ids=["strided", "read-only"]
)
def test_an_array_that_compiled_code_could_not_write_in_row_order_is_refused(values: Any) -> None:
    if PLAIN:
        return
    with pytest.raises(TypeError, match=r"buffer is not|contiguous|writable"):
        refer(outer()._replace(values=values))


def test_a_reference_is_made_anew_only_for_another_tuple() -> None:
    references, o = References(), outer()
    first = references(o)
    assert references(o) is first
    assert references(outer()) is not first
    assert references(o.inner) is references(o.inner)


def test_in_plain_python_a_reference_is_the_tuple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    o = outer()
    assert refer(o) is o


def test_a_part_of_compiled_functions_cannot_be_called_from_python() -> None:
    if PLAIN:
        return
    with pytest.raises(KeyError, match="_add is a part of compiled functions"):
        _add(outer().inner, 1)

"""NamedTuples of arrays, handed to compiled code by reference.

Numba hands a tuple over by value: a NamedTuple of two hundred arrays becomes more than a thousand arguments of each
function that takes it, which is slow to compile and slow to call. A reference is one address. Compiled code reads
`state.history.age[i]` the same way from either. While it runs, arrays may change, but not where they lie.
"""

from collections.abc import Callable
from ctypes import addressof, c_char
from functools import lru_cache
from operator import is_
from typing import Any, TypeVar, cast

import numpy as np
from numba.core import config, types
from numba.np.numpy_support import from_dtype

from lstm_stream.reference_type import ReferenceType

Value = TypeVar("Value", bound=tuple[Any, ...])

Kind = ReferenceType | tuple[str, int] | type
"""What a field's type follows from: a reference's type, an array's dtype and number of axes, or a number's class."""


class Reference:
    """The address of a NamedTuple's words, see `ReferenceType`; it keeps the arrays.

    Parameters
    ----------
    part
        Makes the reference to a NamedTuple within.

    Raises
    ------
    TypeError
        A field is neither an array, nor a number, nor a NamedTuple of such, or an array is read-only or not in row
        order.
    """

    address: int
    _numba_type_: ReferenceType

    def __init__(self, value: tuple[Any, ...], part: "Callable[[Any], Reference] | None" = None) -> None:
        self.value = value
        part = part or Reference
        self.parts: list[Reference] = []
        words: list[int] = []
        kinds: list[Kind] = []
        first_byte: Any = c_char.from_buffer
        for field in value:
            if isinstance(field, np.ndarray):
                words += (addressof(first_byte(field)) if field.size else 0, *field.shape)
                kinds.append((field.dtype.char, field.ndim))
            elif isinstance(field, tuple):
                self.parts.append(part(field))
                words.append(self.parts[-1].address)
                kinds.append(self.parts[-1]._numba_type_)
            else:
                words.append(int(np.float64(field).view(np.int64)) if isinstance(field, float) else int(field))
                kinds.append(type(field))
        self.words = np.array(words, np.int64)
        self.address = addressof(first_byte(self.words))
        self._numba_type_ = _type_of(type(value), tuple(kinds))


@lru_cache
def _type_of(named: Any, kinds: tuple[Kind, ...]) -> ReferenceType:
    return ReferenceType(named.__name__, tuple(zip(named._fields, map(_field, kinds), strict=True)))


def _field(kind: Kind) -> types.Type:
    if isinstance(kind, ReferenceType):
        return kind
    if isinstance(kind, tuple):
        return types.Array(from_dtype(np.dtype(kind[0])), kind[1], "C")
    numbers: dict[type, types.Type] = {bool: types.boolean, int: types.int64, float: types.float64}
    return numbers[kind]


class References:
    """References to what was last handed over of each class of NamedTuples."""

    def __init__(self) -> None:
        self._last: dict[type, tuple[Any, Any]] = {}

    def __call__(self, value: Value) -> Value:
        """The reference to a NamedTuple, made anew only where it is another one than last time."""
        last = self._last.get(type(value))
        if last is None or last[0] is not value:
            last = self._last[type(value)] = value, refer(value)
        return cast(Value, last[1])

    def together(self, value: Value) -> Value:
        """The reference to a NamedTuple of NamedTuples; each of these is referred to anew where it is another one."""
        last = self._last.get(type(value))
        if last is None or not all(map(is_, value, last[0])):
            last = self._last[type(value)] = value, refer(value, self)
        return cast(Value, last[1])


def refer(value: Value, part: Callable[[Any], Any] | None = None) -> Value:
    """A reference to a NamedTuple, as an argument of compiled code; in plain Python it is the NamedTuple itself."""
    settings: Any = config
    return value if settings.DISABLE_JIT else cast(Value, Reference(value, part))
